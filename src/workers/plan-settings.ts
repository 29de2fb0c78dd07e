/** A plan in the words of each engine, and the commands that would measure it. */
import { BENCHMARK_TOOLS, benchmarkCommand, type BenchmarkTool } from '../exchange/plan/benchmark.ts';
import { RENDER_TARGETS, renderSettings, TARGET_LABELS } from '../exchange/plan/settings.ts';
import type { Settings } from '../exchange/plan/settings.ts';
import type { SettingsText, SettingsWish } from './plan-api.ts';

const BENCHMARK_LABELS: Readonly<Record<BenchmarkTool, string>> = {
  vllm: 'measure: vLLM',
  sglang: 'measure: SGLang',
  aiperf: 'measure: AIPerf',
};

/** A target that can't run the plan says so in its place, and leaves the others standing. */
export function settingsTexts({ run, repository }: SettingsWish): SettingsText[] {
  const { deployment } = run;
  if (deployment === null) return [];
  const { choice, memory } = deployment;
  const options = { repository, weightsBytes: memory.weightsBytes };
  return [
    ...RENDER_TARGETS.map((target) =>
      textOf(target, TARGET_LABELS[target], () => renderSettings(choice, target, options)),
    ),
    ...BENCHMARK_TOOLS.map((tool) =>
      textOf(`bench-${tool}`, BENCHMARK_LABELS[tool], () => benchmarkCommand(run, tool, options)),
    ),
  ];
}

function textOf(target: string, name: string, render: () => Settings | null): SettingsText {
  try {
    const { text, file, notes } = render() ?? { text: '', file: '', notes: ['There is no plan yet.'] };
    return { target, name, text, file, notes };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { target, name, text: '', file: '', notes: [error.message] };
  }
}
