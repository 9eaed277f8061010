import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../platform/http/access';
import { LeaderboardQueryDto, LeaderboardView } from './leaderboards.dto';
import { LeaderboardsService } from './leaderboards.service';

/** Rankings of a tenant's subjects, for instance of its referrers. */
@ApiTags('Usage')
@Controller('v1/billings/leaderboards')
export class LeaderboardsController {
  constructor(private readonly leaderboards: LeaderboardsService) {}

  /**
   * Subjects by usage, the most first, as many as the plan's `leaderboard_entries` allow. Equal usage is an equal
   * rank, and the next rank counts all before it (1, 2, 2, 4); of equal ones the first by name stands first.
   */
  @Get(':metric')
  @Access('usage:read')
  rank(@Param('metric') metric: string, @Query() query: LeaderboardQueryDto): Promise<LeaderboardView> {
    return this.leaderboards.rank(metric, query.period);
  }
}
