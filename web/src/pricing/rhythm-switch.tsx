import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import type { Rhythm } from './plan-families';
import classes from './rhythm-switch.module.css';

interface Props {
  rhythm: Rhythm;
  /** The largest yearly saving in percent, or null. */
  saving: number | null;
  onChange: (rhythm: Rhythm) => void;
}

/** Monthly or yearly prices. */
export function RhythmSwitch({ rhythm, saving, onChange }: Props) {
  return (
    <>
      <SegmentedControl<Rhythm>
        aria-label="How often to pay"
        size="md"
        radius="xl"
        classNames={{ root: classes.track }}
        value={rhythm}
        onChange={onChange}
        data={[
          { value: 'monthly', label: <span className={classes.label}>Monthly</span> },
          {
            value: 'yearly',
            label: (
              <span className={classes.label}>
                Yearly
                {saving !== null && <span className={classes.saving}>up to −{Math.round(saving)} %</span>}
              </span>
            ),
          },
        ]}
      />
      <VisuallyHidden role="status">
        {rhythm === 'yearly' ? 'Showing yearly prices' : 'Showing monthly prices'}
      </VisuallyHidden>
    </>
  );
}
