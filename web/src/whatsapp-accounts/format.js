// format: accounts in words.

const digits = (text) => (text ?? '').replace(/\D/g, '');

/** What a person calls it; null where there is neither a name nor a number. */
export function nameOf({ account_name: name, phone_number: phone, formatted_phone_number: number }) {
  /* An account without a name of its own is named after its number, as that was typed. */
  const isNumber = name && digits(name) !== '' && digits(name) === digits(phone);
  return (isNumber ? number : name) || number || null;
}

/** `m:ss` */
export const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

const language = () => document.documentElement.lang || 'en';

let words;
/* Making one takes longer than all that it formats. */
const relative = () => (words ??= new Intl.RelativeTimeFormat(language(), { numeric: 'auto' }));

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60]];

/** "5 minutes ago", in the page's language; null: never. */
export function ago(iso) {
  if (!iso) return null;
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['second', 1];
  return relative().format(unit === 'second' ? 0 : -Math.floor(seconds / size), unit);
}

/** Date and time of day, in the page's language. */
export const moment = (iso) => new Date(iso).toLocaleString(language());
