/** Loaded into the profiled process: SIGUSR2 starts the profiler, the next one writes what it saw. */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const SAMPLE_US = 500;
const file = process.env.BENCH_PROFILE_FILE as string;
const session = new Session();
let recording = false;

process.on('SIGUSR2', () => {
  recording = !recording;
  if (recording) {
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    session.post('Profiler.start');
    return;
  }
  session.post('Profiler.stop', (error, { profile }) => {
    if (error) throw error;
    // Moved into place when it is whole: somebody waits for the file.
    writeFileSync(`${file}.new`, JSON.stringify(profile));
    renameSync(`${file}.new`, file);
    session.disconnect();
  });
});
