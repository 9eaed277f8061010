import type Stripe from 'stripe';
import { moneyText } from '../money-text';
import { pdfOf, type PdfText } from './pdf';

const LEFT = 56;
const RIGHT = 539;
const MOST_LINES = 28;

/** An invoice on paper. */
export function invoicePdf(invoice: Stripe.Invoice, merchant: string): Buffer {
  const money = (amount: number): string => moneyText(amount, invoice.currency);
  const texts: PdfText[] = [
    { x: LEFT, y: 72, size: 22, text: 'Invoice', bold: true },
    { x: RIGHT, y: 72, size: 11, text: merchant, bold: true, right: true },
    ...facts([
      ['Invoice number', invoice.number ?? 'Draft'],
      ['Date of issue', dateText(invoice.effective_at ?? invoice.created)],
      ['Status', String(invoice.status)],
      ['Bill to', [invoice.customer_name, invoice.customer_email].filter(Boolean).join(', ') || '-'],
    ]),
    ...lines(
      invoice.lines.data.map(({ description, amount }) => [description ?? '', money(amount)]),
      220,
    ),
  ];
  const shown = Math.min(invoice.lines.data.length, MOST_LINES);
  const sums: [string, number][] = [
    ['Subtotal', invoice.subtotal],
    ...(invoice.total === invoice.subtotal
      ? []
      : ([['Discounts', invoice.total - invoice.subtotal]] as [string, number][])),
    ['Total', invoice.total],
    ['Amount paid', invoice.amount_paid],
    ['Amount due', invoice.amount_remaining],
  ];
  sums.forEach(([name, amount], index) => {
    const y = 250 + shown * 18 + index * 18;
    texts.push({ x: 360, y, size: 10, text: name, bold: name === 'Total' });
    texts.push({ x: RIGHT, y, size: 10, text: money(amount), bold: name === 'Total', right: true });
  });
  return pdfOf(`Invoice ${invoice.number ?? invoice.id}`, texts);
}

/** A credit note on paper. */
export function creditNotePdf(note: Stripe.CreditNote, invoice: Stripe.Invoice, merchant: string): Buffer {
  const money = (amount: number): string => moneyText(amount, note.currency);
  const shown = Math.min(note.lines.data.length, MOST_LINES);
  return pdfOf(`Credit note ${note.number}`, [
    { x: LEFT, y: 72, size: 22, text: 'Credit note', bold: true },
    { x: RIGHT, y: 72, size: 11, text: merchant, bold: true, right: true },
    ...facts([
      ['Credit note number', note.number],
      ['Invoice number', invoice.number ?? '-'],
      ['Date of issue', dateText(note.created)],
      ['Status', note.status],
    ]),
    ...lines(
      note.lines.data.map(({ description, amount }) => [description ?? 'Credit', money(amount)]),
      220,
    ),
    { x: 360, y: 250 + shown * 18, size: 10, text: 'Total', bold: true },
    { x: RIGHT, y: 250 + shown * 18, size: 10, text: money(note.total), bold: true, right: true },
  ]);
}

function facts(rows: [name: string, value: string][]): PdfText[] {
  return rows.flatMap(([name, value], index) => [
    { x: LEFT, y: 110 + index * 18, size: 10, text: name, bold: true },
    { x: 180, y: 110 + index * 18, size: 10, text: value },
  ]);
}

function lines(rows: [text: string, amount: string][], top: number): PdfText[] {
  return rows.slice(0, MOST_LINES).flatMap(([text, amount], index) => [
    { x: LEFT, y: top + index * 18, size: 10, text: text.slice(0, 76) },
    { x: RIGHT, y: top + index * 18, size: 10, text: amount, right: true },
  ]);
}

function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
