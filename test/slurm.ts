import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';

/** Why no Slurm can be started here; undefined where one can. Debian has it as slurm-wlm and munge. */
export function missingSlurm(): string | undefined {
  for (const program of ['slurmctld', 'slurmd', 'munged', 'sbatch'])
    if (spawnSync(program, ['-V'], { stdio: 'ignore' }).error)
      return `Slurm: ${program} is not installed (Debian: slurm-wlm, munge)`;
  return userInfo().uid === 0 ? undefined : 'Slurm: its daemons are started as root, and this is another user';
}

export interface Slurm {
  /** What its commands need in their environment. */
  readonly environment: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Starts a cluster of this machine alone, below a folder, without systemd. Resolves when a node is ready. */
export async function startSlurm(folder: string): Promise<Slurm> {
  const at = (...parts: string[]) => join(folder, ...parts);
  for (const name of ['state', 'spool', 'munge']) mkdirSync(at(name), { mode: 0o700 });
  writeFileSync(at('munge', 'key'), randomBytes(128), { mode: 0o400 });
  writeFileSync(at('slurm.conf'), configuration(at));
  // munged refuses a socket below a folder that others may write to; that of temporary files is one.
  chmodSync(folder, 0o755);
  const environment = { ...process.env, SLURM_CONF: at('slurm.conf') };
  const daemons: ChildProcess[] = [];
  const start = (program: string, ...args: string[]) => {
    const log = openSync(at(`${program}.out`), 'w');
    daemons.push(spawn(program, args, { env: environment, stdio: ['ignore', log, log] }));
  };
  const munge = ['socket', 'key', 'log', 'pid', 'seed'].map((name) =>
    name === 'socket' ? `--socket=${at('munge', name)}` : `--${name}-file=${at('munge', name)}`,
  );
  start('munged', '--foreground', '--force', ...munge);
  await pause(500);
  start('slurmctld', '-D', '-c');
  start('slurmd', '-D', '-N', nodeName());
  const slurm = {
    environment,
    async stop(): Promise<void> {
      for (const daemon of daemons.reverse()) {
        const ended = new Promise((resolve) => daemon.once('exit', resolve));
        if (daemon.exitCode === null && daemon.kill()) await Promise.race([ended, pause(10_000)]);
      }
    },
  };
  for (let waited = 0; waited < 60; waited++) {
    const { stdout } = spawnSync('sinfo', ['--noheader', '--format=%t'], { env: environment, encoding: 'utf8' });
    if (stdout.trim() === 'idle') return slurm;
    await pause(500);
  }
  await slurm.stop();
  throw new Error(`Slurm did not come up; see the logs in ${folder}`);
}

const nodeName = () => hostname().split('.')[0]!;

function configuration(at: (...parts: string[]) => string): string {
  return `ClusterName=qgen
SlurmctldHost=${nodeName()}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${at('munge', 'socket')}
SlurmctldPort=17917
SlurmdPort=17918
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd.pid')}
SlurmctldLogFile=${at('slurmctld.log')}
SlurmdLogFile=${at('slurmd.log')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
KillWait=2
NodeName=${nodeName()} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
`;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
