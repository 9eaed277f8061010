import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { AttentionIcon } from './icons';
import { MessagePage } from './message-page';

/** Any address we do not know. */
export function Component() {
  return (
    <MessagePage
      tone="quiet"
      icon={<AttentionIcon size={32} />}
      title="This page does not exist"
      text="The address may be mistyped, or the page has moved."
      actions={
        <Button component={Link} to="/pricing">
          See plans and prices
        </Button>
      }
    />
  );
}
