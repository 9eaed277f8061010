import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../platform/http/access';
import { DocumentsService } from './documents.service';

/** For people and machines that build on the API. */
@ApiTags('Documents')
@Controller('v1/openapi.json')
export class DocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  /** This document. */
  @Get()
  @Public()
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of the copy at hand.' })
  @ApiOkResponse({ description: 'OpenAPI 3.0.', schema: { type: 'object', additionalProperties: true } })
  @ApiResponse({ status: 304, description: 'The copy at hand is the current one.' })
  openApi(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Buffer | undefined {
    const { bytes, etag } = this.documents.openApi;
    void reply.header('etag', etag).header('cache-control', 'no-cache');
    if (isKnown(request.headers['if-none-match'], etag)) {
      void reply.status(304);
      return undefined;
    }
    void reply.header('content-type', 'application/json; charset=utf-8');
    return bytes;
  }
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2). */
function isKnown(known: string | undefined, etag: string): boolean {
  return known?.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, ''))) ?? false;
}
