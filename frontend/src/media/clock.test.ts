import { beforeEach, describe, expect, test } from "vitest";

import { driftOf, MasterClock, type Player, positionAt } from "./clock";

/** A video whose time only moves when it is told to. */
function aVideo(duration = 3): Player & { paused: boolean } {
  const video = {
    currentTime: 0,
    playbackRate: 1,
    duration,
    paused: true,
    readyState: 4,
    seeking: false,
    play: () => {
      video.paused = false;
      return Promise.resolve();
    },
    pause: () => {
      video.paused = true;
    },
  };
  return video;
}

let clock: MasterClock;

function shown(video: Player): Player & { paused: boolean } {
  clock.add(video);
  clock.show(video, true);
  return video as Player & { paused: boolean };
}

beforeEach(() => {
  clock = new MasterClock();
  clock.tick(0);
});

describe("where a video stands", () => {
  test("all begin again with the longest one", () => {
    expect(positionAt(4.5, 4, 4)).toBeCloseTo(0.5);
    expect(positionAt(4.5, 3, 4)).toBeCloseTo(0.5);
  });

  test("a shorter one loops inside the loop of the longest", () => {
    expect(positionAt(3.5, 3, 4)).toBeCloseTo(0.5);
  });

  test("one without a length yet stands at its beginning", () => {
    expect(positionAt(2, Number.NaN, 4)).toBe(0);
  });

  test("just before the end is a little behind just after the beginning", () => {
    expect(driftOf(2.95, 0.05, 3)).toBeCloseTo(-0.1);
  });
});

test("videos on screen play together, those off screen rest", () => {
  const [here, away] = [shown(aVideo()), aVideo()];
  clock.add(away);
  clock.tick(0.1);
  expect(here.paused).toBe(false);
  expect(away.paused).toBe(true);
});

test("a video that fell far behind jumps to the others", () => {
  const video = shown(aVideo());
  clock.tick(2);
  expect(video.currentTime).toBeCloseTo(2);
});

test("a video that is a little ahead slows down instead of jumping", () => {
  const video = shown(aVideo());
  video.currentTime = 0.6;
  clock.tick(0.5);
  expect(video.currentTime).toBe(0.6);
  expect(video.playbackRate).toBeLessThan(1);
});

test("one that comes later joins where the others are", () => {
  shown(aVideo());
  clock.tick(1.4);
  const late = shown(aVideo());
  clock.tick(1.5);
  expect(late.currentTime).toBeCloseTo(1.4, 1);
});

test("pausing stops every video at the same moment", () => {
  const videos = [shown(aVideo()), shown(aVideo())];
  clock.tick(1);
  clock.setPlaying(false);
  clock.tick(5);
  expect(videos.map(({ paused }) => paused)).toEqual([true, true]);
  expect(videos[0]?.currentTime).toBeCloseTo(1);
});

test("half speed lets half the time pass, at half the pace", () => {
  const video = shown(aVideo());
  clock.setSpeed(0.5);
  clock.tick(2);
  expect(video.currentTime).toBeCloseTo(1);
  clock.tick(2.01);
  expect(video.playbackRate).toBe(0.5);
});

test("a video that is still loading is left alone", () => {
  const video = shown({ ...aVideo(), readyState: 1 });
  clock.tick(1);
  expect(video.currentTime).toBe(0);
});
