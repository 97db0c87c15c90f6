// The scenario document as the server stores it: blocks with named ports, edges that join a port to
// a block. These types are the one description of it in the panel; a block is kept as it came, so a
// document that is read and written again is the same document.

export const SCHEMA = 'kanca.scenario/1';

/** Canvas coordinates, in CSS pixels at zoom 1. */
export interface Position {
  x: number;
  y: number;
}

interface BlockBase {
  id: string;
  title?: string;
  position?: Position;
}

export interface StartBlock extends BlockBase {
  type: 'start';
}

/** One thing the bot says; `delay_ms` is waited before it. */
export interface BotMessage {
  text: string;
  delay_ms?: number;
}

export interface TextBlock extends BlockBase {
  type: 'text';
  messages: BotMessage[];
}

export type AnswerKind = 'any' | 'text' | 'number' | 'email' | 'phone' | 'choice';

export interface Validation {
  kind: AnswerKind;
  min?: number | null;
  max?: number | null;
  choices?: string[] | null;
}

export interface QuestionBlock extends BlockBase {
  type: 'question';
  text: string;
  variants?: string[];
  validate: Validation;
  attribute: string | null;
  retry_text?: string | null;
  /** Answers accepted in all before `failed`; null asks for ever. */
  attempts: number | null;
}

export interface Choice {
  id: string;
  label: string;
  url?: string | null;
}

export interface ButtonsBlock extends BlockBase {
  type: 'buttons';
  text: string;
  choices: Choice[];
}

export interface QuickRepliesBlock extends BlockBase {
  type: 'quick_replies';
  text: string;
  choices: Choice[];
  attribute?: string | null;
}

export type Match = 'all' | 'any';

export const OPERATORS = [
  'equals',
  'not_equals',
  'contains',
  'not_contains',
  'starts_with',
  'ends_with',
  'is_empty',
  'is_not_empty',
  'longer_than',
  'shorter_than',
  'less_than',
  'less_or_equal',
  'greater_than',
  'greater_or_equal',
] as const;

export type Operator = (typeof OPERATORS)[number];

/** Operators that look at the subject alone. */
export function needsValue(operator: Operator): boolean {
  return operator !== 'is_empty' && operator !== 'is_not_empty';
}

export type Subject = { kind: 'attribute'; name: string } | { kind: 'message' };

export interface Rule {
  subject: Subject;
  operator: Operator;
  value?: string | null;
}

export interface RuleGroup {
  match: Match;
  rules: Rule[];
}

export interface ConditionBlock extends BlockBase {
  type: 'condition';
  match: Match;
  groups: RuleGroup[];
}

export interface Assignment {
  attribute: string;
  value: string;
}

export interface SetAttributeBlock extends BlockBase {
  type: 'set_attribute';
  assignments: Assignment[];
}

export interface Branch {
  id: string;
  label?: string | null;
  keywords: string[];
  phrases: string[];
}

export interface UserInputBlock extends BlockBase {
  type: 'user_input';
  branches: Branch[];
  anywhere: boolean;
}

export interface Mapping {
  path: string;
  attribute: string;
}

export interface WebhookBlock extends BlockBase {
  type: 'webhook';
  endpoint_id: string | null;
  mode: 'notify' | 'wait';
  timeout_ms: number;
  mappings: Mapping[];
}

export interface GoToBlock extends BlockBase {
  type: 'go_to';
  target: string | null;
}

export interface DefaultOtherwiseBlock extends BlockBase {
  type: 'default_otherwise';
}

export interface DefaultTimeoutBlock extends BlockBase {
  type: 'default_timeout';
  after_ms: number;
}

export interface EndBlock extends BlockBase {
  type: 'end';
  text?: string | null;
}

export type Block =
  | StartBlock
  | TextBlock
  | QuestionBlock
  | ButtonsBlock
  | QuickRepliesBlock
  | ConditionBlock
  | SetAttributeBlock
  | UserInputBlock
  | WebhookBlock
  | GoToBlock
  | DefaultOtherwiseBlock
  | DefaultTimeoutBlock
  | EndBlock;

export type BlockType = Block['type'];

export interface ScenarioEdge {
  from: string;
  port: string;
  to: string;
}

/** One output of one block. */
export interface PortRef {
  block: string;
  port: string;
}

export interface DeclaredAttribute {
  name: string;
  label?: string;
  default?: unknown;
}

export interface ScenarioDocument {
  schema: string;
  name?: string;
  attributes: DeclaredAttribute[];
  blocks: Block[];
  edges: ScenarioEdge[];
}

export function findBlock(document: ScenarioDocument, id: string | null): Block | undefined {
  return id === null ? undefined : document.blocks.find((block) => block.id === id);
}

/** Where a port leads, if it is joined. */
export function targetOf(document: ScenarioDocument, from: PortRef): string | undefined {
  return document.edges.find((edge) => edge.from === from.block && edge.port === from.port)?.to;
}
