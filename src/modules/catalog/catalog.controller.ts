import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256 } from '../../platform/crypto';
import { OptionalAccess } from '../../platform/http/access';
import { OfferedPlanView, PlanCatalogView } from './catalog.dto';
import { CatalogService } from './catalog.service';

/** What may be bought: for everybody, and with a credential also the tenant's own. */
@ApiTags('Plans')
@ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of the copy at hand.' })
@ApiResponse({ status: 304, description: 'The copy at hand is the current one.' })
@Controller('v1/plans')
export class CatalogController {
  constructor(private readonly catalog: CatalogService) {}

  /** Plans that may be bought, compared, with the recommended one. */
  @Get()
  @OptionalAccess('plans:read')
  async list(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PlanCatalogView> {
    return answerCached(request, reply, await this.catalog.list());
  }

  /** One plan that may be bought. */
  @Get(':id')
  @OptionalAccess('plans:read')
  async find(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OfferedPlanView> {
    return answerCached(request, reply, await this.catalog.find(id));
  }
}

/**
 * Sends a view with its ETag, or 304 when the caller has it. What a credential added must never be kept by a
 * shared cache, and caches must tell callers apart by the headers that choose the tenant.
 */
function answerCached<View>(request: FastifyRequest, reply: FastifyReply, view: View): View {
  const body = Buffer.from(JSON.stringify(view));
  const etag = `"${sha256(body).toString('base64url')}"`;
  const { authorization, 'x-api-key': apiKey, 'if-none-match': known } = request.headers;
  const isAnonymous = authorization === undefined && apiKey === undefined;
  void reply
    .header('etag', etag)
    .header('cache-control', isAnonymous ? 'public, max-age=60' : 'private, no-cache')
    .header('vary', withVary(reply, 'Authorization, x-api-key, tenant-id'));
  if (known !== undefined && matches(known, etag)) {
    void reply.status(304);
    return undefined as View;
  }
  void reply.header('content-type', 'application/json; charset=utf-8');
  // The bytes that were hashed; Nest sends a buffer as it is.
  return body as View & Buffer;
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2). */
function matches(known: string, etag: string): boolean {
  return known.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')));
}

function withVary(reply: FastifyReply, own: string): string {
  const given = reply.getHeader('vary');
  return given ? `${String(given)}, ${own}` : own;
}
