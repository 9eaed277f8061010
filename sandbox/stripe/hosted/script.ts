/** What the checkout page does in the browser: format the card, pay, show declines, authenticate. */
export const SCRIPT = `
(() => {
  const form = document.getElementById('pay');
  const button = form.querySelector('.pay');
  const error = document.getElementById('error');
  const dialog = document.getElementById('authenticate');
  const base = location.pathname;
  const field = (name) => form.elements.namedItem(name);
  let busy = false;

  const setBusy = (on) => {
    busy = on;
    button.setAttribute('aria-disabled', String(on));
    button.querySelector('.label').textContent = on ? button.dataset.busy : button.dataset.label;
  };
  const clearError = () => {
    error.textContent = '';
    for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  };
  const showError = (message, name) => {
    error.textContent = message;
    const input = name && field(name);
    if (input && input.focus) { input.setAttribute('aria-invalid', 'true'); input.focus(); }
    else error.scrollIntoView({ block: 'nearest' });
  };
  const ask = async (path, body, method = 'POST') => {
    const response = await fetch(base + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return response.json();
  };
  const follow = (answer) => {
    if (answer.redirect) {
      button.classList.add('done');
      button.querySelector('.label').textContent = 'Done, taking you back\\u2026';
      location.assign(answer.redirect);
      return;
    }
    setBusy(false);
    if (answer.reload) return location.reload();
    if (answer.requires_action) return dialog.showModal();
    const message = (answer.error && answer.error.message) || 'Something went wrong. Please try again.';
    showError(message, (answer.error && answer.error.field) || null);
  };
  const guarded = async (work) => {
    if (busy) return;
    clearError();
    setBusy(true);
    try { follow(await work()); }
    catch { setBusy(false); showError('The connection was lost. Your card was not charged twice; please try again.'); }
  };

  const number = field('number');
  if (number) {
    number.addEventListener('input', () => {
      const digits = number.value.replace(/\\D/g, '').slice(0, 19);
      number.value = digits.replace(/(.{4})(?=.)/g, '$1 ');
    });
    const expiry = field('expiry');
    expiry.addEventListener('input', () => {
      let digits = expiry.value.replace(/\\D/g, '').slice(0, 4);
      if (/^[2-9]/.test(digits)) digits = '0' + digits;
      expiry.value = digits.length > 2 ? digits.slice(0, 2) + ' / ' + digits.slice(2) : digits;
    });
    const cvc = field('cvc');
    cvc.addEventListener('input', () => { cvc.value = cvc.value.replace(/\\D/g, '').slice(0, 4); });
    for (const fill of document.querySelectorAll('[data-card]')) {
      fill.addEventListener('click', () => {
        clearError();
        number.value = fill.dataset.card.replace(/(.{4})(?=.)/g, '$1 ');
        expiry.value = '12 / ' + String((new Date().getFullYear() + 3) % 100);
        cvc.value = '123';
        if (!field('name').value) field('name').value = 'Test Payer';
        const email = field('email');
        if (email && !email.value) email.value = 'payer@example.com';
        button.focus();
      });
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const value = (name) => (field(name) ? field(name).value.trim() : undefined);
    guarded(() => ask('', { email: value('email'), name: value('name'), number: value('number'), expiry: value('expiry'), cvc: value('cvc') }));
  });
  for (const choice of dialog.querySelectorAll('[data-result]')) {
    choice.addEventListener('click', () => {
      dialog.close();
      guarded(() => ask('/authenticate', { result: choice.dataset.result }));
    });
  }
  dialog.addEventListener('cancel', (event) => event.preventDefault());

  const summary = document.getElementById('summary');
  summary.addEventListener('submit', async (event) => {
    event.preventDefault();
    const input = summary.querySelector('input[name=code]');
    const note = summary.querySelector('.error');
    note.textContent = '';
    const answer = await ask('/promotion_code', { code: input.value.trim() }).catch(() => null);
    if (answer && answer.summary) return update(answer);
    note.textContent = (answer && answer.error && answer.error.message) || 'The code could not be checked. Please try again.';
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  });
  summary.addEventListener('click', async (event) => {
    if (!event.target.closest('[data-remove]')) return;
    const answer = await ask('/promotion_code', {}, 'DELETE').catch(() => null);
    if (answer && answer.summary) update(answer);
  });
  const update = (answer) => {
    if (answer.reload) return location.reload();
    summary.innerHTML = answer.summary;
    button.dataset.label = answer.button;
    if (!busy) button.querySelector('.label').textContent = answer.button;
    const target = summary.querySelector('[data-remove], input[name=code]');
    if (target) target.focus();
  };
})();
`;
