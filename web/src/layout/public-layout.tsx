import { Anchor, Container, Group, Text } from '@mantine/core';
import { Link, Outlet, ScrollRestoration } from 'react-router';
import { ColourSchemeButton } from './colour-scheme-button';
import mark from './mark.svg';
import classes from './public-layout.module.css';
import { SessionMenu } from './session-menu';

/** The frame of the public pages: brand, session, colour scheme, content, footer. */
export function PublicLayout() {
  return (
    <div className={classes.frame}>
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <header className={classes.header}>
        <Container size="lg" className={classes.bar}>
          <Link to="/pricing" className={classes.brand}>
            <img src={mark} alt="" width={28} height={28} />
            <span>Tenant Billing</span>
          </Link>
          <Group gap="xs" wrap="nowrap">
            <ColourSchemeButton />
            <SessionMenu />
          </Group>
        </Container>
      </header>
      <main id="content" tabIndex={-1} className={classes.main}>
        <Outlet />
      </main>
      <footer className={classes.footer}>
        <Container size="lg">
          <Group justify="space-between" gap="xs">
            <Text size="sm" c="dimmed">
              Payments are made on Stripe’s secure page. We never see your card.
            </Text>
            <Anchor component={Link} to="/pricing" size="sm">
              Plans and prices
            </Anchor>
          </Group>
        </Container>
      </footer>
      <ScrollRestoration />
    </div>
  );
}
