// dialogs: those of the page, with what is in them.

const button = (dialog, name) => dialog.getByRole('button', { name, exact: true });

export function addDialog(tab) {
  const dialog = tab.dialog('Add WhatsApp Number');
  return {
    dialog,
    phone: dialog.getByRole('textbox', { name: 'Phone number', exact: true }),
    name: dialog.getByRole('textbox', { name: 'Name', exact: true }),
    connection: dialog.getByRole('combobox', { name: 'Connection', exact: true }),
    primary: dialog.getByRole('checkbox', { name: 'Make this the primary number', exact: true }),
    add: button(dialog, 'Add number'),
    cancel: button(dialog, 'Cancel'),
    alert: dialog.getByRole('alert'),
  };
}

/** How a phone is linked to the account that has this name. */
export function pairingDialog(tab, name) {
  const dialog = tab.dialog(`Connect ${name}`);
  /* What is said aloud is there a second time, for those who see. */
  const says = (text) => dialog.getByText(text, { exact: true }).first();
  return {
    dialog,
    code: dialog.getByRole('img', { name: 'QR code', exact: true }),
    timer: dialog.getByRole('timer'),
    waits: says('Waiting for the QR code…'),
    expired: says('This QR code has expired.'),
    connected: says('This number is connected.'),
    failed: says('The connection failed.'),
    says,
    again: button(dialog, 'Get a new code'),
    retry: button(dialog, 'Try again'),
    close: button(dialog, 'Close'),
    alert: dialog.getByRole('alert'),
  };
}

const confirmDialog = (tab, question, verb) => {
  const dialog = tab.dialog(question);
  return { dialog, confirm: button(dialog, verb), cancel: button(dialog, 'Cancel'), alert: dialog.getByRole('alert') };
};
export const deleteDialog = (tab) => confirmDialog(tab, 'Delete this number?', 'Delete number');
export const disconnectDialog = (tab) => confirmDialog(tab, 'Disconnect this number?', 'Disconnect number');

export function statisticsDialog(tab, name) {
  const dialog = tab.dialog(`Statistics: ${name}`);
  return {
    dialog,
    /** What stands behind a word. */
    value: (word) => dialog.locator('dt').getByText(word, { exact: true }).locator('xpath=following-sibling::dd[1]'),
    health: dialog.getByRole('region', { name: /^Health score/ }),
    close: button(dialog, 'Close'),
    alert: dialog.getByRole('alert'),
  };
}
