// Written by `python -m demos.ui.types` from the dataclasses of demos/views. Not to be edited.

export type ArrayHandle = import("./core/arrays.js").ArrayHandle;

/** A category in words and its probability, 0 to 1. */
export interface Answer {
  label: string;
  probability: number;
}

/** What may be answered, and its probability, 0 to 1. */
export interface AnswerShare {
  word: string;
  probability: number;
}

/** Four kinds of importance for the prediction of `word` at `position`. */
export interface AnswerView {
  position: number;
  token: number;
  word: string;
  probability: number;
  tokens: string[];
  columns: ImportanceColumn[];
  agreement: ([string, string, number | null])[];
  sentences: string[];
}

/** A query with what it answers in the end. */
export interface AnsweringQuery {
  query: number;
  label: string;
  score: number;
}

/** The picture with its grid, the answer, and the answer after every layer (`patch_view`). */
export interface AnswersView {
  run: string;
  picture: Picture;
  side: number;
  top: Answer[];
  lens: LensAnswer[];
  probed: Answer[];
  look: ArrayHandle;
  title: string;
  before: Answer[];
}

/** A kind of attention of a network, and in how many layers it is. */
export interface AttentionKind {
  kind: "encoder" | "decoder" | "cross";
  layers: number;
}

/** The same template in another number of steps: one line; words known and in all, counted over `lines` lines. */
export interface BesideView {
  steps: number;
  line: string;
  lines: number;
  known: number;
  total: number;
}

/** A line filled step by step (`blank_lines`). */
export interface BlanksView {
  alphabet: string;
  lines: string[];
  given: boolean[];
  drawn_at: number[];
  drawn_chance: number[];
  likely: ArrayHandle;
  chances: ArrayHandle;
  entropy: ArrayHandle;
  said: string;
  beside: BesideView[];
}

/** A box as the model answers it, and the query it came from. */
export interface CandidateBox {
  box: number[];
  label: string;
  score: number;
  query: number;
}

/** Pictures to paint over (`pixel_canvas`); with several, the visitor chooses one. */
export interface CanvasView {
  token: string;
  count: number;
  side: number;
  pixels: ArrayHandle;
}

/** A picture described. */
export interface CaptionView {
  model: string;
  picture: Picture;
  words: CaptionWord[];
  read: ArrayHandle | null;
  found: FoundSentence[];
  warning: string;
}

/** A word as it was written; chosen: by the visitor; likely: what else might stand there, the likeliest first. */
export interface CaptionWord {
  word: string;
  probability: number;
  chosen: boolean;
  likely: LikelyWord[];
}

/** A list of numbers in the cell; share: from 0 to 1, else from -limit to limit. */
export interface CellNumbers {
  name: string;
  limit: number;
  share: boolean;
}

/** What a step may write, and its probability, 0 to 1. */
export interface CellOutput {
  label: string;
  probability: number;
}

/** One step. input: empty where nothing goes in; fed_back: it is what the step before has written. */
export interface CellStep {
  input: string;
  fed_back: boolean;
  part: string;
  asked: boolean;
  outputs: CellOutput[];
  limit: number;
}

/** One weight matrix. size: rows and columns of the whole of it; highest: what 255 stands for in `blocks`. */
export interface CellWeights {
  name: string;
  size: number[];
  highest: number;
  blocks: ArrayHandle;
}

/** Lines over one axis. x, y: what the axes are called; log: logarithmic y; unit: written behind values. */
export interface Chart {
  series: Series[];
  x: string;
  y: string;
  log: boolean;
  low: number | null;
  high: number | null;
  marks: [number, string][];
  unit: string;
}

/** A training of one's own classes (`class_board`). */
export interface ClassBoardView {
  run: string;
  labels: string[];
  reports: ClassReport[];
  unfrozen: number | null;
  protocol: string;
  blocks_protocol: string;
  shared: string;
  verdicts: ClassVerdict[] | null;
  more: string;
}

/** One report of a training: loss in nats, accuracies 0 to 1, `confusion[what it is][what it was taken for]`. */
export interface ClassReport {
  phase: "head" | "blocks";
  step: number;
  loss: number;
  accuracy: number;
  held_out: number;
  confusion: number[][];
}

/** A classifier to try: the name it is kept under, and its classes (`class_trial`). */
export interface ClassTrialView {
  name: string;
  labels: string[];
}

/** What was said of a held-out picture: class and probability by each; None where there was none. */
export interface ClassVerdict {
  picture: string;
  truth: string;
  before: [string, number] | null;
  head: [string, number];
  blocks: [string, number] | null;
}

/** A box of the picture and its parts together. */
export interface CloserBox {
  box: number[];
  label: string;
  score: number;
  window: number;
  before: number;
}

/** A picture as a whole, and with its parts (`closer_view`); seconds: of the parts. */
export interface CloserView {
  whole: FoundBox[];
  together: CloserBox[];
  windows: number[][];
  patches: number[];
  seconds: number;
}

/** A text of T characters read twice (`memory_compare`). Pairs are of the unedited run and the edited one. */
export interface ComparisonView {
  text: string[];
  first: number;
  edits: string[];
  difference: ArrayHandle;
  distance: ArrayHandle;
  surprise: ArrayHandle;
  alphabet: string;
  best: ArrayHandle;
  probabilities: ArrayHandle;
  memories: string[];
  states: ArrayHandle;
  limit: number;
  continuations: string[];
}

/** What a network draws that was trained on `count` sprites. */
export interface CopyingRowView {
  count: number;
  sheet: string;
  nearest: string;
  shown: number;
  distances: number[];
  copies: number;
  copy_distance: number;
  held_out: number;
}

/** All of them, each trained for `steps` steps (`copying_view`); said: what is seen in them. */
export interface CopyingView {
  size: number;
  steps: number;
  rows: CopyingRowView[];
  said: string;
}

/** What a network must do: `layers` that wait for one another, multiplications `per_character` and `per_pair` of */
export interface CostView {
  network: string;
  layers: number;
  per_character: number;
  per_pair: number;
}

/** One strength, 0 to 1: what it means in words, the pixels both were given, and how both read them. */
export interface DamagePoint {
  strength: number;
  unit: string;
  image: string;
  vit: ReadingView;
  cnn: ReadingView;
}

/** Two networks while a damage grows (`damage_view`): the points measured so far, of `total` that will be. */
export interface DamageView {
  run: string;
  category: string;
  total: number;
  note: string;
  map: string;
  paint: boolean;
  points: DamagePoint[];
  first: number | null;
  painted: string;
}

/** A box that the visitor drew: left, top, right, bottom as shares of the frame, 0 to 1. */
export interface DrawnBox {
  box: number[];
  label: string;
}

/** Predictions before and after a change, at P positions (`prediction_pair`). */
export interface EffectView {
  predicts: "next" | "masked" | "written" | "nothing";
  places: string[];
  bits: number[];
  words: string[];
  ids: ArrayHandle;
  shares: ArrayHandle;
  own: number | null;
  most: number;
  stacks: StackMoved[];
  cosine: number;
  changes: string[];
}

/** All numbers of one training step (`training_step`); each picture is `[4, size, size]`, red, green, blue, alpha. */
export interface ExampleView {
  size: number;
  t: number;
  signal: number;
  noise_share: number;
  x_0: ArrayHandle;
  epsilon: ArrayHandle;
  x_t: ArrayHandle;
  predicts: "v" | "epsilon";
  said: ArrayHandle;
  target: ArrayHandle;
  x_0_predicted: ArrayHandle;
  loss: number;
  gradient_norm: number;
  loss_after: number;
}

/** What `attention_explorer` shows: every kind of attention of a run, a translation if it wrote one, and a note. */
export interface ExplorerView {
  views: (TextAttention | PatchAttention)[];
  translation: string | null;
  note: string;
  model: string;
  text: string;
}

/** Features of every layer of one or two pictures of one grid (`patch_features`). N: the patches of all pictures. */
export interface FeaturesView {
  run: string;
  pictures: Picture[];
  layers: number;
  width: number;
  steps: ArrayHandle[];
  values: ArrayHandle;
  ends: [number, number][][];
  shares: number[][];
  first: [number, number] | null;
}

/** The steps of a run made so far (`filmstrip`); of a fork only its own. */
export interface FilmView {
  run: string;
  count: number;
  total: number;
  fork: ForkView | null;
  steps: StepView[];
  finding: string;
  first: number | null;
}

/** What a run was forked from, at which place its own steps begin, and what they do differently, in words. */
export interface ForkView {
  run: string;
  place: number;
  changed: string;
}

/** A box that a detector answers with. */
export interface FoundBox {
  box: number[];
  label: string;
  score: number;
}

/** A sentence that a beam search has found, and its log-probability (nats). */
export interface FoundSentence {
  sentence: string;
  log_probability: number;
}

/** A unit and its correlation with something, -1 to 1: here, in this text; known, on unread pages, if measured. */
export interface FoundUnit {
  unit: number;
  here: number;
  known: number | null;
}

/** The units of `layer` that follow `feature`, the strongest in this text first. */
export interface FoundUnitsView {
  feature: string;
  layer: string;
  units: FoundUnit[];
  off: number[];
  chance: number;
}

/** Cells by rows and columns (`sprite_grid`); every cell is one sprite. */
export interface GridView {
  row_axis: string;
  column_axis: string;
  rows: string[];
  columns: string[];
  total: number;
  steps: number[];
  sheets: string[];
  times: number[][];
  finding: string;
}

/** A head and how much of its attention goes where a rule says, 0 to 1. */
export interface HeadScore {
  layer: number;
  head: number;
  score: number;
}

/** Where each head of an attention looks most: the token's place, its word, the weight. */
export interface HeadsLooking {
  kind: "encoder" | "decoder" | "cross" | "patches";
  best: [number, string, number][];
}

/** One going back through the story. */
export interface HopView {
  sentence: string;
  best: number | null;
  nothing: number;
  words: number[];
}

/** A box in one stage of a detector: left, top, right, bottom as shares of the picture. */
export interface IdeaBox {
  label: string;
  corners: number[];
}

/** One method's answer for every token, None where it has none. */
export interface ImportanceColumn {
  name: string;
  title: string;
  values: (number | null)[];
}

/** A question and, once it was measured, its answer (`importance_view`). */
export interface ImportanceView {
  question: QuestionView;
  answer: AnswerView | null;
}

/** One text, character by character, and how far back each network reaches in it (`influence_view`). */
export interface InfluenceView {
  text: string[];
  networks: NetworkReach[];
}

/** One sprite in one step (`unet_inside`). */
export interface InsideView {
  run: string;
  place: number;
  total: number;
  sprite: number;
  sprites: number;
  t: number;
  x_t: string;
  x_0: string;
  edited: string;
  difference: number;
  same: boolean;
  stages: UnetPartView[];
  looks: LooksView[];
  vectors: VectorView[];
  off: string[];
  finding: string;
}

/** The pictures of a training: the first `shown` of them on a sheet, and how many there are in words. */
export interface LearnedView {
  sheet: string;
  shown: number;
  about: string;
}

/** A training as far as it has come (`training_curves`). samples: the newest first. */
export interface LearningView {
  loss: Chart;
  norm: Chart;
  distance: Chart;
  samples: Sample[];
  largest: string;
  factor: string;
}

/** What the head would answer after some layers, and what it gives the final answer there (both 0 to 1). */
export interface LensAnswer {
  label: string;
  probability: number;
  final: number;
}

/** What the stream after each of L layers (row 0: before the first) would predict at T tokens. */
export interface LensReading {
  words: string[];
  ids: ArrayHandle;
  probabilities: ArrayHandle;
  entropy: ArrayHandle;
  final: ArrayHandle;
}

/** The grid layers x tokens (`logit_lens`), and the layer and the token picked. */
export interface LensView {
  kind: "encoder" | "decoder" | "cross";
  tokens: string[];
  layer: number;
  token: number;
  sizes: ArrayHandle;
  changes: ArrayHandle;
  predicts: "next" | "masked" | "nothing";
  lens: LensReading | null;
}

/** A picture to learn from: the address of a JPEG, and the boxes drawn on it. */
export interface LessonFrame {
  image: string;
  drawn: DrawnBox[];
}

/** A question that a lesson brings itself; `right` is the index of an option. */
export interface LessonQuestion {
  question: string;
  options: string[];
  right: number;
  explanation: string;
}

/** What the detector answers on every frame after some steps; `number` counts the rounds of a training from 0. */
export interface LessonRound {
  number: number;
  step: number;
  seconds: number;
  found: FoundBox[][];
}

/** A control, by its element id, and what it is set to. */
export interface LessonSetting {
  control: string;
  value: string | number | boolean;
}

/** One step of a lesson (`lesson_player`). */
export interface LessonStep {
  page: string;
  settings: LessonSetting[];
  press: string[];
  point: string;
  say: string;
  notice: string;
  ask: string;
  question: LessonQuestion | null;
  reveal: string;
}

/** A lesson of a tab and its steps. id: the same for the same lesson. own: a teacher's, not one of the app. */
export interface LessonView {
  id: string;
  tab: string;
  title: string;
  minutes: number;
  steps: LessonStep[];
  own: boolean;
}

/** A training as it goes (`box_lessons`): only the newest round travels, the browser keeps those before it. */
export interface LessonsView {
  run: string;
  frames: LessonFrame[];
  round: LessonRound;
  losses: number[][];
}

/** The likeliest characters of one blank, their probabilities (0 to 1), and the entropy of all of them in bits. */
export interface LikelyView {
  characters: string;
  chances: number[];
  entropy: number;
}

/** What might stand in a place, and its probability, 0 to 1. */
export interface LikelyWord {
  word: string;
  probability: number;
}

/** One idea at work, a frame after the other (`entrance`). */
export interface LivingPicture {
  tab: string;
  caption: string;
  words: string[];
  values: ArrayHandle | null;
  picture: string | null;
  sheet: string | null;
  stages: IdeaBox[][];
}

/** Where a head looks: the token `query` takes most of its attention there from the token `key`, say. */
export interface LookView {
  layer: number;
  head: number;
  query: number;
  key: number;
}

/** Self-attention: `shares [heads, places, places]`, from each place of the map to each. */
export interface LooksView {
  name: string;
  shares: ArrayHandle;
}

/** A frame on which line and zone are set (`video_marks`), both in shares of it; None for none. */
export interface MarksView {
  image: string;
  width: number;
  height: number;
  seconds: number;
  length: number;
  line: number[][] | null;
  zone: number[][] | null;
}

/** For every drawn box its query and the cheapest others (`matching_view`). */
export interface MatchingView {
  truths: QueryCost[][];
  weights: number[];
  loss: Record<string, number>;
}

/** What the predictions of one network owe to earlier characters. */
export interface NetworkReach {
  title: string;
  color: string;
  dash: string;
  best: string[];
  shares: ArrayHandle;
  curve: number[];
  half: number;
  most: number;
}

/** The likeliest tokens of one position, for the softmax in the browser (`next_token`). */
export interface NextTokensView {
  after: string;
  words: string[];
  logits: number[];
  partitions: number[];
  writable: boolean;
}

/** A picture, noise, and their sum at time t (`noise_view`); `clean`, `noise` and `noisy` are addresses of pictures. */
export interface NoisyView {
  clean: string;
  noise: string;
  noisy: string;
  schedule: string;
  t: number;
  alpha_bar: number;
  signal: number;
  noise_share: number;
  signal_to_noise: number;
  values: number;
  curves: Record<string, number[]>;
  histogram: number[];
  centres: number[];
  mean: number;
  deviation: number;
  said: string;
  steps: string;
  step_times: number[];
  step_said: string;
}

/** A hub model: what it is, what one gains, how large it is (0: not known), whose licence, and where it stands. */
export interface OfferView {
  name: string;
  title: string;
  does: string;
  megabytes: number;
  licence: string;
  status: string;
  share: number;
  sentence: string;
  chosen: boolean;
}

/** Attention of a picture's patches; the rows of a token are asked for when it is chosen. */
export interface PatchAttention {
  kind: "patches";
  run: string;
  picture: Picture;
  layers: number;
  heads: number;
  rollout: boolean;
  token: number | null;
  chosen: PatchRows;
  first: [number, number] | null;
}

/** Rows and columns of the backbone's patches. */
export interface PatchGrid {
  rows: number;
  columns: number;
}

/** Where one token (CLS is 0, then the patches) looks, in every layer and head. */
export interface PatchRows {
  steps: ArrayHandle;
  largest: ArrayHandle;
}

/** How pixels become numbers: the linear layer whole, embeddings and positions (`patch_steps`). */
export interface PatchesView {
  run: string;
  edited: "kept" | "removed" | "shuffled";
  picture: Picture;
  side: number;
  width: number;
  mean: number[];
  std: number[];
  filters: ArrayHandle;
  bias: ArrayHandle;
  embeddings: ArrayHandle;
  positions: ArrayHandle;
}

/** A picture, by its address, and the grid of patches on it. */
export interface Picture {
  image: string;
  rows: number;
  columns: number;
}

/** Both networks on one sentence (`architecture`). */
export interface PictureView {
  text: string;
  model: string;
  encoder: StackVectors;
  decoder: StackVectors;
  looks: SurestLooks[];
  answers: [string, number][];
  twin: TwinStates;
  note: string;
}

/** A line of the arithmetic of one pixel: red, green, blue and alpha, in about -1 to 1. */
export interface PixelRow {
  factor: number | null;
  of: string;
  values: number[];
}

/** The arithmetic of one step at one pixel, with the numbers that were computed. */
export interface PixelView {
  caption: string;
  rows: PixelRow[];
}

/** A question, its options, which is right, and why (`question_card`). */
export interface PredictionView {
  name: string;
  about: string;
  question: string;
  options: string[];
  right: number;
  explanation: string;
  fault: string;
}

/** What is proposed at every position of the feature map, row by row. */
export interface ProposalsView {
  rows: number;
  columns: number;
  scores: ArrayHandle;
  labels: number[];
  chosen: ArrayHandle;
}

/** What it would cost to make a query responsible for a drawn box, each term times its weight. */
export interface QueryCost {
  query: number;
  box: number[];
  class_cost: number;
  l1: number;
  giou: number;
  total: number;
  matched: number | null;
}

/** How much a query takes from every query: `weights` `[layers, heads, queries]`, rows sum to 1. */
export interface QueryRows {
  weights: ArrayHandle;
}

/** The predictions whose importance can be asked for; none, and why, where the network predicts nothing. */
export interface QuestionView {
  predicts: string;
  places: string[];
  choices: [number, string, number][][];
  first: number;
  nothing: string;
}

/** A text as a network met it, or what a version of it adds to the one before (`sequence_reader`). */
export interface ReaderView {
  reading: string;
  network: string;
  version: string;
  base: string;
  kept: number;
  text: string;
  alphabet: string;
  symbols: ArrayHandle;
  surprise: ArrayHandle;
  best: ArrayHandle;
  probabilities: ArrayHandle;
  columns: ArrayHandle;
  typed: number;
  layer: string;
  units: number;
  scale: "share" | "signed";
  limit: number;
  low: number;
  high: number;
  bars: number;
  tracked: TrackedView[] | null;
  writing: string;
  replaces: string;
  goes_on: boolean;
}

/** One network on one damaged picture. */
export interface ReadingView {
  p: number;
  top: [string, number][];
  side: number;
  map: ArrayHandle;
}

/** What the network wrote after so many steps. */
export interface Sample {
  steps: number;
  text: string;
}

/** Samples after some steps, side by side on a sheet, and below each the nearest picture it was given. */
export interface SamplesView {
  step: number;
  seconds: number;
  sheet: string;
  nearest: string;
  distances: number[];
  progress: string;
}

/** Two networks that read or write the same n characters (`schedule`). */
export interface ScheduleView {
  recurrent: CostView;
  transformer: CostView;
  n: number;
}

/** One line. color: a role of the theme; dash: every line has its own, so that nobody depends on hue. */
export interface Series {
  name: string;
  color: string;
  dash: string;
  points: [number, number][];
}

/** An object of a picture at several sizes (`shrink_view`); found: all that can be chosen, best first. */
export interface ShrinkView {
  found: FoundBox[];
  chosen: number;
  steps: ShrunkStep[];
}

/** What a network says at one size. box: None where no box of its class lies on the object. */
export interface ShrunkAnswer {
  network: string;
  name: string;
  score: number;
  box: number[] | null;
  patches: number;
  points: ArrayHandle | null;
  dense: ArrayHandle | null;
}

/** One size: the picture, where the object is (corners as shares), and the answers. */
export interface ShrunkStep {
  scale: number;
  picture: string;
  box: number[];
  answers: ShrunkAnswer[];
}

/** What is said of one blank of a line by all that is there, and by what is left or right of it alone. */
export interface SidesView {
  both: LikelyView;
  left: LikelyView;
  right: LikelyView;
}

/** A training so far (`training_view`). */
export interface SpriteTrainingView {
  run: string;
  learned: LearnedView;
  losses: [number, number][];
  norms: [number, number][];
  samples: SamplesView[];
}

/** How far each token's last vector of one stack moved, and that as a share of its length. */
export interface StackMoved {
  kind: "encoder" | "decoder" | "cross";
  tokens: string[];
  share: number[];
  moved: number[];
}

/** Encoder or decoder. vectors: `[layers + 1, T, width]` in 127ths of the largest number of each layer. */
export interface StackVectors {
  tokens: string[];
  vectors: ArrayHandle;
  largest: number[];
  width: number;
}

/** A box that a stage would answer with, and whether suppression would leave it. */
export interface StageBox {
  box: number[];
  label: string;
  score: number;
  kept: boolean;
}

/** What one stage would answer. */
export interface StageView {
  name: string;
  boxes: StageBox[];
}

/** A vector on a token's way: whether it is the residual stream itself, how many numbers, and its length. */
export interface StationView {
  name: string;
  stream: boolean;
  meaning: string;
  numbers: number;
  size: number;
  number: number;
  sum: Worked | null;
}

/** One step of a film. Pictures of a run lie side by side on a sheet; `x_t`, `noise` and `x_0` are its addresses. */
export interface StepView {
  size: number;
  t: number;
  t_next: number;
  x_t: string;
  noise: string;
  x_0: string;
  signal: number;
  noise_share: number;
  terms: [number, string][];
  correction: [number, string][];
  predicts: "v" | "epsilon" | "";
  difference: number | null;
  around: [number, string][];
}

/** A frame with what a detector says of it (`live_overlay`); width, height: of the frame, in pixels. */
export interface StillView {
  image: string;
  width: number;
  height: number;
  boxes: FoundBox[];
}

/** A question answered. sentences: of the story; weights, match: `[hops, sentences]`, 0 to 1. */
export interface StoryView {
  reply: string;
  said: string;
  alternatives: AnswerShare[];
  sentences: string[];
  hops: HopView[];
  weights: ArrayHandle;
  match: ArrayHandle;
  without: string[];
  note: string;
}

/** Strokes that come out of noise (`stroke_film`). */
export interface StrokesView {
  name: string;
  x_t: ArrayHandle;
  x_0: ArrayHandle;
  times: number[];
  first: number;
  said: string;
}

/** One head of T tokens that look (queries) at S (keys), of width d (`weighted_sum`). */
export interface SumView {
  kind: "encoder" | "decoder" | "cross";
  layer: number;
  head: number;
  kinds: AttentionKind[];
  heads: number;
  queries: string[];
  keys: string[];
  query: number;
  q: ArrayHandle;
  k: ArrayHandle;
  v: ArrayHandle;
  hidden: ArrayHandle;
  note: string;
  translation: string | null;
  said: string;
}

/** Every stage with and without suppression (`suppression_view`). */
export interface SuppressionView {
  stages: StageView[];
  queries: AnsweringQuery[];
  said: string;
}

/** One kind of attention. best: by layer and token the surest head, the token it looks at, and how much, 0 to 1. */
export interface SurestLooks {
  kind: "encoder" | "decoder" | "cross";
  best: [number, number, number][][];
}

/** One kind of attention: its layers, the tokens that look and those that are looked at. */
export interface SwitchStack {
  kind: "encoder" | "decoder" | "cross";
  layers: number;
  queries: string[];
  keys: string[];
}

/** Everything that can be switched off inside a network for a text (`inside_switches`). */
export interface SwitchesView {
  stacks: SwitchStack[];
  heads: number;
  tokens: string[];
  note: string;
  places: boolean;
  off: [string, number, number] | null;
}

/** One kind of attention of a text of T tokens that look at S. */
export interface TextAttention {
  kind: "encoder" | "decoder" | "cross";
  rows: string[];
  columns: string[];
  layers: number;
  heads: number;
  steps: number;
  weights: ArrayHandle;
  rollout: ArrayHandle | null;
  habits: Record<string, HeadScore[]>;
  first: LookView | null;
}

/** A question that may be asked: its name, what it is about in a few words, and the page it belongs to. */
export interface TopicView {
  name: string;
  topic: string;
  page: string;
  page_title: string;
}

/** What a tab's panel offers, and the question asked last, if any (`predict`). */
export interface TopicsView {
  tab: string;
  topics: TopicView[];
  asked: PredictionView | null;
  turn: string;
}

/** One picture through the detector (`box_figure`): L decoder layers, Q queries, C classes. */
export interface TraceView {
  run: string;
  image: string;
  width: number;
  height: number;
  labels: string[];
  candidates: CandidateBox[];
  stages: string[];
  self_heads: number;
  logits: ArrayHandle;
  boxes: ArrayHandle;
  moves: ArrayHandle;
  points: ArrayHandle;
  patches: PatchGrid;
  proposals: ProposalsView;
  first: number | null;
}

/** A box in a video; `id` is None until its thing was seen in two frames. */
export interface TrackedBox {
  box: number[];
  label: string;
  score: number;
  id: number | null;
}

/** A unit that goes along with something in the text; correlation on unread text, -1 to 1. */
export interface TrackedView {
  feature: string;
  layer: string;
  unit: number;
  correlation: number;
}

/** A token of a beam search: its parent among the nodes, its step, its rank in it (by the total, best first). */
export interface TreeNode {
  parent: number | null;
  step: number;
  rank: number;
  word: string;
  log: number;
  total: number;
  fate: "kept" | "ended" | "dropped";
  best: boolean;
}

/** The tree of a beam search after a beginning (`beam_tree`). */
export interface TreeView {
  nodes: TreeNode[];
  beginning: string;
  width: number;
}

/** The recurrent translator: tokens read and written, its state after each in 127ths of 1, `[T, units]`. */
export interface TwinStates {
  read: string[];
  written: string[];
  encoder: ArrayHandle;
  decoder: ArrayHandle;
}

/** What a part gives on. name: as the network calls it. */
export interface UnetPartView {
  name: string;
  title: string;
  channels: number;
  side: number;
  rms: number;
  maps: ArrayHandle;
  numbers: number[];
  skip: string;
}

/** A run of a network, step by step (`unrolled`). */
export interface UnrolledView {
  sequence_type: "one to one" | "one to many" | "many to one" | "many to many";
  first: number;
  total: number;
  selected: number;
  steps: CellStep[];
  hidden: ArrayHandle;
  inside: CellNumbers[];
  values: ArrayHandle;
  added: string[];
  sums: ArrayHandle | null;
  cell: string;
  weights: CellWeights[];
  parameters: number;
  recurrent: boolean;
  shared: string;
}

/** A vector that the blocks are told. */
export interface VectorView {
  name: string;
  values: ArrayHandle;
}

/** One token's way through one layer (`layer_walk`). */
export interface WalkView {
  title: string;
  stations: StationView[];
  values: ArrayHandle;
  heads: HeadsLooking[];
  said: string;
  at: WalkedAt | null;
}

/** Where a walk on patches is: its run, layer, head, the token asked for (0: CLS), the number worked out. */
export interface WalkedAt {
  run: string;
  layer: number;
  head: number;
  token: number;
  channel: number;
}

/** Attention of one block over N = grid x grid patches, in windows of K = window x window places. */
export interface WindowBlockView {
  stage: number;
  block: number;
  grid: number;
  side: number;
  window: number;
  shift: number;
  heads: number;
  attention: ArrayHandle;
  keys: ArrayHandle;
  reach: ArrayHandle;
}

/** A picture (its address, pixels a side) and every block of a Swin Transformer that ran on it (`window_view`). */
export interface WindowsView {
  run: string;
  image: string;
  size: number;
  blocks: WindowBlockView[];
}

/** What becomes of a prediction without some units, in words. */
export interface WithoutUnitsView {
  sentence: string;
}

/** What becomes of a run without a head. */
export interface WithoutView {
  sentence: string;
}

/** Why a number is what it is: `left[i] * right[i]` of the largest few of `count` products, `rest`, `bias`. */
export interface Worked {
  left: number[];
  right: number[];
  rest: number;
  count: number;
  bias: number;
  total: number;
}

/** A translation under way (`translation_view`): S tokens read, T written, R rows: T, and one more unless `ended`. */
export interface WritingView {
  source: string[];
  written: string[];
  ids: number[];
  candidates: [number, string, number][][];
  layers: number;
  heads: number;
  steps: number;
  weights: ArrayHandle | null;
  vector: ArrayHandle | null;
  ended: boolean;
  total: number;
  text: string;
  note: string;
}
