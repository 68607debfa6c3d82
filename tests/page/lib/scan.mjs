// scan: what a phone's camera makes of the screen.

import { packageOf } from '../../integration/lib/packages.mjs';

const jsQR = await packageOf('jsqr');

/** A PNG's pixels, {width, height, data}; a page of its own reads it, which no policy binds. */
async function pixelsOf(context, png) {
  const page = await context.newPage();
  try {
    const { width, height, text } = await page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
      canvas.drawImage(image, 0, 0);
      const { data } = canvas.getImageData(0, 0, image.width, image.height);
      let said = '';
      for (let i = 0; i < data.length; i += 8192) said += String.fromCharCode(...data.subarray(i, i + 8192));
      return { width: image.width, height: image.height, text: btoa(said) };
    }, png.toString('base64'));
    return { width, height, data: new Uint8ClampedArray(Buffer.from(text, 'base64')) };
  } finally {
    await page.close();
  }
}

/** The text of the QR code that is seen in this element; null if there is none to be read. */
export async function scanned(context, element) {
  const { width, height, data } = await pixelsOf(context, await element.screenshot({ caret: 'initial',
    animations: 'allow' }));
  return jsQR(data, width, height, { inversionAttempts: 'dontInvert' })?.data ?? null;
}
