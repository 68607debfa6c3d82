// qrCode: what a Node.js service reports as a QR code, as the address of an image.

import { renderSVG } from 'uqr';

const IMAGE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+$/;
/* How every PNG begins, in base64. */
const BARE_PNG = /^iVBORw0KGgo[A-Za-z0-9+/=]+$/;

/** An image as it is; any other text is what the phone is to read, and is drawn. Null: it is too long for that. */
export function qrImage(code) {
  if (IMAGE.test(code)) return code;
  if (BARE_PNG.test(code)) return `data:image/png;base64,${code}`;
  try {
    /* L: what WhatsApp itself shows. */
    return `data:image/svg+xml;base64,${btoa(renderSVG(code, { ecc: 'L', border: 4 }))}`;
  } catch {
    return null;
  }
}
