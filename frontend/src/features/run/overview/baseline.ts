/** What training brought: each protocol's score of the last measured checkpoint beside the untrained one's. */
import type { EvaluationCurve } from "../queries";

export interface Gain {
  kind: EvaluationCurve["kind"];
  words: string;
  dataset: string | null;
  metric: string;
  untrained: { runId: number; score: number } | null;
  trained: { runId: number; score: number; epoch: number } | null;
}

const HEADLINES: Readonly<Record<string, readonly string[]>> = {
  knn: ["top1"],
  linear: ["top1"],
  finetune: ["top1"],
  test: ["top1"],
  transfer: ["mAP", "top1"],
  svm: ["mAP@full"],
  retrieval: ["R@1"],
};

/** The score that people quote of an evaluation that gave these. */
export function headlineOf(kind: string, values: Readonly<Record<string, number>>): string | undefined {
  return HEADLINES[kind]?.find((metric) => metric in values);
}

export function gainsOf(curves: readonly EvaluationCurve[]): Gain[] {
  return curves.flatMap((curve) => {
    const asked = curve.kind === "transfer" ? curve.protocol.metric : HEADLINES[curve.kind]?.[0];
    return typeof asked === "string" ? [gainOf(curve, asked)] : [];
  });
}

function gainOf(curve: EvaluationCurve, metric: string): Gain {
  const scored = curve.points.filter(({ values }) => metric in values);
  const untrained = scored.find(({ step }) => step === 0);
  const trained = scored.filter(({ step }) => step > 0).sort((a, b) => b.step - a.step)[0];
  return {
    kind: curve.kind,
    words: curve.protocol_words,
    dataset: curve.dataset,
    metric,
    untrained: untrained ? { runId: untrained.run_id, score: untrained.values[metric] ?? 0 } : null,
    trained: trained ? { runId: trained.run_id, score: trained.values[metric] ?? 0, epoch: trained.epoch } : null,
  };
}
