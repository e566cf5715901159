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

/** The first score of each kind is the one people quote. */
export const HEADLINE: Readonly<Record<string, string>> = {
  knn: "top1",
  linear: "top1",
  finetune: "top1",
  test: "top1",
  transfer: "top1",
  svm: "mAP@full",
  retrieval: "R@1",
};

export function gainsOf(curves: readonly EvaluationCurve[]): Gain[] {
  return curves.flatMap((curve) => {
    const metric = HEADLINE[curve.kind];
    return metric ? [gainOf(curve, metric)] : [];
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
