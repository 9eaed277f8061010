import type { OpenAPIObject } from '@nestjs/swagger';

export function addExamples(_document: OpenAPIObject): void {}
