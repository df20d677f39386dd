/** The main file of a side thread: does one job after the other, in the order they came. */
import { parentPort } from 'node:worker_threads';
import { JobDoer, type HeavyJob } from './heavy-job.ts';

using doer = new JobDoer();
parentPort?.on('message', (job: HeavyJob) => parentPort?.postMessage(doer.do(job)));
