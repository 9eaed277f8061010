import { invalidRequest } from './errors';

/** Nested parameters as they arrive: every leaf is a text. */
export type FormValue = string | FormValue[] | { [key: string]: FormValue };
export type Form = { [key: string]: FormValue };

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads Stripe's bracketed form encoding: `items[0][price]=p&expand[]=a` → nested parameters.
 * Numbered keys stay keys here; the parameter tree knows which of them are lists.
 * @throws StripeApiError 400 when one name is used both as a value and as a group.
 */
export function parseForm(text: string): Form {
  const form: Form = Object.create(null) as Form;
  if (text === '') return form;
  for (const [name, value] of new URLSearchParams(text)) {
    place(form, segments(name), value, name);
  }
  return form;
}

function segments(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket < 0) return [name];
  const inner = name.slice(bracket);
  const parts = [...inner.matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1] ?? '');
  const whole = parts.map((part) => `[${part}]`).join('');
  if (whole !== inner) throw invalidRequest(`Invalid parameter name: ${name}`, name);
  return [name.slice(0, bracket), ...parts];
}

function place(form: Form, path: string[], value: string, name: string): void {
  let group = form;
  path.forEach((segment, index) => {
    if (FORBIDDEN.has(segment)) throw invalidRequest(`Invalid parameter name: ${name}`, name);
    const key = segment === '' ? String(Object.keys(group).length) : segment;
    if (index === path.length - 1) {
      if (typeof group[key] === 'object') throw invalidRequest(`Invalid hash: ${name}`, name);
      group[key] = value;
      return;
    }
    const next = (group[key] ??= Object.create(null) as Form);
    if (typeof next === 'string' || Array.isArray(next)) throw invalidRequest(`Invalid hash: ${name}`, name);
    group = next;
  });
}
