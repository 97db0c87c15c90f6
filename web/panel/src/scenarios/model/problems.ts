// The server's validation problems, sorted for display: which block and port they belong to, and which
// of them keep the scenario from being published.

export interface Problem {
  code: string;
  severity: 'error' | 'warning';
  block_id: string | null;
  port: string | null;
  field: string | null;
  message: string;
  params?: Record<string, unknown>;
}

export interface BlockProblems {
  severity: Problem['severity'];
  items: Problem[];
}

/** Problems by block. A problem of the scenario as a whole is in none. */
export function byBlock(problems: readonly Problem[]): Map<string, BlockProblems> {
  const found = new Map<string, BlockProblems>();
  for (const problem of problems) {
    if (problem.block_id === null) continue;
    const block = found.get(problem.block_id) ?? { severity: 'warning', items: [] };
    block.items.push(problem);
    if (problem.severity === 'error') block.severity = 'error';
    found.set(problem.block_id, block);
  }
  return found;
}

/** Errors first; otherwise as the server ordered them. */
export function sorted(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((left, right) => rank(left) - rank(right));
}

export function errorsIn(problems: readonly Problem[]): number {
  return problems.filter((problem) => problem.severity === 'error').length;
}

/** What a translation may fill in: the problem's own parameters as text, with its port and field. */
export function textParams(problem: Problem): Record<string, string> {
  const params: Record<string, string> = { port: problem.port ?? '', field: problem.field ?? '' };
  for (const [name, value] of Object.entries(problem.params ?? {})) {
    params[name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  return params;
}

function rank(problem: Problem): number {
  return problem.severity === 'error' ? 0 : 1;
}
