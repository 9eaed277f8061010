import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Post,
  Query,
  StreamableFile,
} from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Access } from '../../../platform/http/access';
import { Idempotent } from '../../../platform/http/idempotency.interceptor';
import { InvoicesService } from './invoices.service';
import { PaymentMethods } from './payment-methods.service';
import {
  InvoiceDetailView,
  InvoicePage,
  InvoicesQueryDto,
  PayInvoiceDto,
  PaymentMethodsView,
  SetupView,
  UpcomingInvoiceView,
} from './payments.dto';

/** How the tenant pays. */
@ApiTags('Payments')
@Controller('v1/billings/payment-methods')
export class PaymentMethodsController {
  constructor(private readonly methods: PaymentMethods) {}

  /** Begins storing a payment method; the payer's browser finishes it. */
  @Post()
  @Access('billing:write')
  @Idempotent({ resumable: true, redact: ['client_secret'] })
  add(): Promise<SetupView> {
    return this.methods.setUp();
  }

  /** All stored payment methods, the default one marked. */
  @Get()
  @Access('billing:read')
  async list(): Promise<PaymentMethodsView> {
    return { data: await this.methods.list() };
  }

  /** Makes it the one that invoices are charged to. */
  @Post(':id/default')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true })
  async makeDefault(@Param('id') id: string): Promise<PaymentMethodsView> {
    return { data: await this.methods.makeDefault(id) };
  }

  /** Removes it; the last one stays while a paid subscription runs. */
  @Delete(':id')
  @Access('billing:write')
  async remove(@Param('id') id: string): Promise<PaymentMethodsView> {
    return { data: await this.methods.remove(id) };
  }
}

/** What the tenant was charged, and pays. */
@ApiTags('Payments')
@Controller('v1/billings/invoices')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  /** All invoices, newest first. */
  @Get()
  @Access('billing:read')
  list(@Query() query: InvoicesQueryDto): Promise<InvoicePage> {
    return this.invoices.list(query);
  }

  /** The next invoice as it stands now. */
  @Get('upcoming')
  @Access('billing:read')
  upcoming(): Promise<UpcomingInvoiceView> {
    return this.invoices.upcoming();
  }

  /** One invoice with its lines. */
  @Get(':id')
  @Access('billing:read')
  find(@Param('id') id: string): Promise<InvoiceDetailView> {
    return this.invoices.find(id);
  }

  /** Stripe's PDF of an invoice. */
  @Get(':id/pdf')
  @Access('billing:read')
  @Header('content-type', 'application/pdf')
  @ApiProduces('application/pdf')
  @ApiOkResponse({ description: 'The file.', schema: { type: 'string', format: 'binary' } })
  async pdf(@Param('id') id: string): Promise<StreamableFile> {
    return new StreamableFile(await this.invoices.pdf(id), {
      type: 'application/pdf',
      disposition: 'attachment; filename="invoice.pdf"',
    });
  }

  /** Pays an open invoice now. */
  @Post(':id/pay')
  @HttpCode(200)
  @Access('billing:write')
  @Idempotent({ resumable: true, money: true })
  pay(@Param('id') id: string, @Body() { payment_method }: PayInvoiceDto): Promise<InvoiceDetailView> {
    return this.invoices.pay(id, payment_method ?? null);
  }
}
