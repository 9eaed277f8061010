import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { BackIcon } from '../layout/icons';
import { MessagePage } from '../layout/message-page';

/** Where the payment page's way back leads. */
export function Component() {
  return (
    <MessagePage
      tone="quiet"
      icon={<BackIcon size={32} />}
      title="Nothing was charged"
      text="You left the checkout before paying. Your plan has not changed, and you can choose again at any time."
      actions={
        <Button component={Link} to="/pricing">
          Back to plans
        </Button>
      }
    />
  );
}
