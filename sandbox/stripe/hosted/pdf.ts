/** A line of text on the page: points from the left and the top edge of an A4 sheet. */
export interface PdfText {
  x: number;
  y: number;
  size: number;
  text: string;
  bold?: boolean;
  /** The text ends at x instead of beginning there. */
  right?: boolean;
}

const WIDTH = 595;
const HEIGHT = 842;
/** The mean width of Helvetica's letters and digits; exact enough to end figures in one column. */
const MEAN_WIDTH = 0.556;
const NARROW = new Set([' ', '.', ',', ':', ';', 'i', 'l', 'j', '(', ')', '/', '-']);

/**
 * A PDF of one page of text, in the standard fonts that every reader has (ISO 32000-1, 7.5 and 9.6.2.2). Letters
 * outside Windows-1252 become question marks: it is a sandbox's invoice, not a typesetter.
 */
export function pdfOf(title: string, texts: readonly PdfText[]): Buffer {
  const content = texts.map(drawn).join('\n');
  const stream = encoded(content);
  const objects = [
    Buffer.from('<< /Type /Catalog /Pages 2 0 R >>'),
    Buffer.from('<< /Type /Pages /Kids [3 0 R] /Count 1 >>'),
    Buffer.from(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${WIDTH} ${HEIGHT}] /Contents 4 0 R ` +
        '/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>',
    ),
    Buffer.concat([
      Buffer.from(`<< /Length ${stream.length} >>\nstream\n`),
      stream,
      Buffer.from('\nendstream'),
    ]),
    font('Helvetica'),
    font('Helvetica-Bold'),
    encoded(`<< /Title ${literal(title)} /Producer (Stripe sandbox) >>`),
  ];
  return assembled(objects);
}

function font(name: string): Buffer {
  return Buffer.from(`<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`);
}

function drawn({ x, y, size, text, bold = false, right = false }: PdfText): string {
  const left = right ? x - widthOf(text, size) : x;
  return `BT /${bold ? 'F2' : 'F1'} ${size} Tf ${left.toFixed(1)} ${HEIGHT - y} Td ${literal(text)} Tj ET`;
}

function widthOf(text: string, size: number): number {
  const letters = [...text].map((letter): number => (NARROW.has(letter) ? MEAN_WIDTH / 2 : MEAN_WIDTH));
  return size * letters.reduce((sum, width) => sum + width, 0);
}

function literal(text: string): string {
  return `(${text.replace(/[\r\n]+/g, ' ').replace(/[\\()]/g, '\\$&')})`;
}

/** Objects with their places in the file, which the table at its end tells. */
function assembled(objects: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  const offsets: number[] = [];
  let length = pieces[0]!.length;
  for (const [index, object] of objects.entries()) {
    const piece = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]);
    offsets.push(length);
    length += piece.length;
    pieces.push(piece);
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  pieces.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${entries}trailer\n` +
        `<< /Size ${size} /Root 1 0 R /Info ${objects.length} 0 R >>\nstartxref\n${length}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(pieces);
}

/** Windows-1252 where it differs from Latin-1 and money or prose need it. */
const WINDOWS_1252: Record<string, number> = {
  '€': 0x80,
  '…': 0x85,
  '‘': 0x91,
  '’': 0x92,
  '“': 0x93,
  '”': 0x94,
  '–': 0x96,
  '—': 0x97,
};

function encoded(text: string): Buffer {
  return Buffer.from(
    [...text].map((letter) => {
      const code = letter.codePointAt(0)!;
      return WINDOWS_1252[letter] ?? (code < 0x80 || (code >= 0xa0 && code <= 0xff) ? code : 0x3f);
    }),
  );
}
