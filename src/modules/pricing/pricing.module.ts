import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MeterEntity } from './meter.entity';
import { MetersRepository } from './meters.repository';
import { MetersService } from './meters.service';

/** What is counted; how a number becomes money follows. */
@Module({
  imports: [TypeOrmModule.forFeature([MeterEntity])],
  providers: [MetersRepository, MetersService],
  exports: [MetersService],
})
export class PricingModule {}
