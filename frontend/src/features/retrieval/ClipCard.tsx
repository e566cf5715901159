/** A clip with what is known of it: the query itself, or a neighbour that is right or wrong. */
import { Badge } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import type { ReactNode } from "react";

import type { Schemas } from "@/api/client";
import { Clip } from "@/media/Clip";

import classes from "./ClipCard.module.css";
import type { Neighbour } from "./queries";

type ClipView = Schemas["ClipView"];

export function QueryCard({ clip, children }: { clip: ClipView; children: ReactNode }) {
  return (
    <article className={`${classes.card} ${classes.query}`} aria-label={`Query: ${nameOf(clip)}`}>
      <div className={classes.corner}>
        <Badge className={classes.badge} size="sm" variant="filled" color="dark">
          Query
        </Badge>
        <Clip url={clip.preview_url} label={`Query, ${nameOf(clip)}`} />
      </div>
      <Caption clip={clip} />
      <div className={classes.figures}>{children}</div>
    </article>
  );
}

export function NeighbourCard({ neighbour, isNew }: { neighbour: Neighbour; isNew: boolean }) {
  const { clip, rank, similarity, is_correct } = neighbour;
  const verdict = is_correct ? "Right" : "Wrong";
  const label = `Rank ${rank}: ${nameOf(clip)}, ${verdict.toLowerCase()}, similarity ${similarity.toFixed(3)}`;
  return (
    <article className={`${classes.card} ${is_correct ? classes.right : classes.wrong}`} aria-label={label}>
      <div className={classes.corner}>
        {isNew && (
          <Badge className={classes.badge} size="sm" variant="filled" color="dark" title="Not found at the checkpoint before">
            New
          </Badge>
        )}
        <Clip url={clip.preview_url} label={`Neighbour ${rank}, ${nameOf(clip)}`} />
      </div>
      <Caption clip={clip}>
        <span title="Rank">#{rank}</span>
      </Caption>
      <div className={classes.figures}>
        <span className={classes.sign}>
          {is_correct ? <IconCheck size={14} stroke={3} aria-hidden /> : <IconX size={14} stroke={3} aria-hidden />}
          {verdict}
        </span>
        <span title="Similarity">{similarity.toFixed(3)}</span>
      </div>
    </article>
  );
}

function Caption({ clip, children }: { clip: ClipView; children?: ReactNode }) {
  return (
    <div className={classes.caption}>
      <span className={classes.name} title={clip.name}>
        {nameOf(clip)}
      </span>
      {children}
    </div>
  );
}

function nameOf(clip: ClipView): string {
  return clip.class_name ?? clip.name;
}
