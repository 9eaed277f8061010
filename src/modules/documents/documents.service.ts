import { Injectable } from '@nestjs/common';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../platform/crypto';

/** The documents as they lie in the repository and in the image, read once when the process starts. */
@Injectable()
export class DocumentsService {
  readonly openApi = read('openapi.json');
}

/** @throws Error when the file was not shipped, so that a wrong image does not even start */
function read(name: string): { bytes: Buffer; etag: string } {
  // Compiled code lies one folder deeper, in dist.
  const roots = [join(__dirname, '..', '..', '..'), join(__dirname, '..', '..', '..', '..')];
  const root = roots.find((folder) => existsSync(join(folder, 'package.json')));
  if (!root) throw new Error(`No package.json above ${__dirname}: where is ${name}?`);
  const bytes = readFileSync(join(root, name));
  return { bytes, etag: `"${sha256(bytes).toString('base64url')}"` };
}
