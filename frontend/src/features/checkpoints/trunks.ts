/** Trunks and names by the words that people use. */
import type { ImportQuestion, Trunk } from "./queries";

interface Choice {
  key: string;
  label: string;
  trunk: Trunk;
}

export const TRUNKS: readonly Choice[] = [
  { key: "r3d50", label: "R3D50", trunk: { kind: "r3d50" } },
  { key: "r3d18", label: "R3D18", trunk: { kind: "r3d18" } },
  { key: "r50", label: "ResNet-50", trunk: { kind: "r50", small_images: false } },
  { key: "r18", label: "ResNet-18", trunk: { kind: "r18", small_images: false } },
  { key: "r50 small", label: "ResNet-50, small images", trunk: { kind: "r50", small_images: true } },
  { key: "r18 small", label: "ResNet-18, small images", trunk: { kind: "r18", small_images: true } },
];

export const NAMINGS = {
  sce: "SCE",
  torchvision: "torchvision",
  pytorchvideo: "pytorchvideo",
  slowfast: "SlowFast",
  mmaction2: "MMAction2",
  detectron2: "Detectron2",
} satisfies Record<NonNullable<ImportQuestion["naming"]>, string>;

/** The same for trunks that are built alike. */
export function keyOfTrunk(trunk: Trunk): string {
  if (trunk.kind === "small3d") return `small3d ${trunk.width}`;
  return "small_images" in trunk && trunk.small_images ? `${trunk.kind} small` : trunk.kind;
}

export function trunkWords(trunk: Trunk): string {
  if (trunk.kind === "small3d") return `Small3D, ${trunk.width} channels`;
  return TRUNKS.find(({ key }) => key === keyOfTrunk(trunk))?.label ?? trunk.kind;
}

export function isOfVideos({ kind }: Trunk): boolean {
  return kind === "r3d50" || kind === "r3d18" || kind === "small3d";
}
