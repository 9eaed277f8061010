/** What a message says, before it is laid out; all of it plain text. */
export interface Message {
  subject: string;
  /** Shown by mail programs beside the subject. */
  preview: string;
  heading: string;
  paragraphs: string[];
  /** Label and value, one line each. */
  facts: [label: string, value: string][];
  action: { label: string; url: string };
}
