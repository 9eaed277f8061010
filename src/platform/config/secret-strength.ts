const KNOWN_DEFAULTS = /changeme|password|secret123|sandbox|example|^test$|^admin$/i;

/** Too short, too uniform, or a value that everybody knows: not fit for production (security S-58). */
export function isWeakSecret(secret: string): boolean {
  return secret.length < 32 || new Set(secret).size < 10 || KNOWN_DEFAULTS.test(secret);
}
