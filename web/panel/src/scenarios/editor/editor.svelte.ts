// What an open scenario shows: the document from the command bus, the selection, the side panel, the
// server's problems and whether the draft is saved. Components read this and send commands; rules stay
// in the model.

import { getContext, setContext } from 'svelte';
import { ApiProblem } from '../../api/client';
import type { Endpoint } from '../../api/models';
import { scenarioApi, type PublishedVersion, type Scenario } from '../api';
import { canAdd, createBlock, isEntry, portsOf } from '../model/blocks';
import { CommandBus } from '../model/bus';
import type { Command } from '../model/commands';
import { findBlock, targetOf, type Block, type BlockType, type PortRef, type Position } from '../model/document';
import { newBlockId, type RandomSource } from '../model/ids';
import { freeNear, freePlace } from '../model/layout';
import { byBlock, errorsIn, type Problem } from '../model/problems';
import { draftOf } from '../model/transfer';
import { TestConversation } from '../test/conversation.svelte';
import { Autosave, browserTimer, type SaveState } from './autosave';

export type SideView = 'block' | 'test' | 'problems' | 'attributes';

/** A question to the user: which block? Asked in one list for all, at a point of the window or in its middle. */
export type PickRequest = { at?: { x: number; y: number } } & (
  | { kind: 'add'; from: PortRef; place?: Position }
  | { kind: 'connect'; from: PortRef }
  | { kind: 'move'; id: string }
);

/** What the canvas offers to the rest of the page while it is shown. */
export interface CanvasView {
  /** Document coordinates of a point of the window, or null when it is not over the canvas. */
  placeAt(clientX: number, clientY: number): Position | null;
  /** Brings a block into view; `coveredPx` at the end side are hidden by a panel. */
  show(blockId: string, coveredPx?: number): void;
  fit(): void;
}

export class ScenarioEditor {
  readonly id: string;
  readonly botId: string;
  readonly bus: CommandBus;
  readonly test: TestConversation;
  readonly #random: RandomSource;
  readonly #autosave: Autosave<Scenario>;

  document = $state.raw() as CommandBus['document'];
  canUndo = $state(false);
  canRedo = $state(false);
  name = $state('');
  problems = $state.raw<Problem[]>([]);
  published = $state.raw<PublishedVersion | null>(null);
  selected = $state<string | null>(null);
  side = $state<SideView | null>(null);
  saveState = $state<SaveState>('saved');
  saveError = $state.raw<unknown>(null);
  picker = $state.raw<PickRequest | null>(null);
  /** The block in which the test conversation is. */
  liveBlock = $state<string | null>(null);
  endpoints = $state.raw<Endpoint[] | null>(null);
  canvas: CanvasView | null = null;

  block = $derived(findBlock(this.document, this.selected));
  problemsByBlock = $derived(byBlock(this.problems));
  errorCount = $derived(errorsIn(this.problems));

  constructor(scenario: Scenario, random: RandomSource = Math.random) {
    this.id = scenario.id;
    this.botId = scenario.bot_id;
    this.name = scenario.name;
    this.problems = scenario.problems;
    this.published = scenario.published;
    this.#random = random;
    this.test = new TestConversation(scenario.id, (block) => (this.liveBlock = block));
    this.bus = new CommandBus(scenario.draft);
    this.#autosave = new Autosave<Scenario>(scenario.draft_revision, {
      save: (document, revision) => scenarioApi.saveDraft(this.id, draftOf(document), revision),
      isConflict: (error) => error instanceof ApiProblem && error.status === 409,
      isFinal: (error) => error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429,
      onState: (state, error) => {
        this.saveState = state;
        this.saveError = error;
      },
      onSaved: (answer) => {
        this.problems = answer.problems;
      },
      timer: browserTimer(),
    });
    let isFirst = true;
    this.bus.subscribe((state) => {
      this.document = state.document;
      this.canUndo = state.canUndo;
      this.canRedo = state.canRedo;
      if (!isFirst) this.#autosave.change(state.document);
      isFirst = false;
    });
  }

  dispatch(command: Command): boolean {
    const isDone = this.bus.dispatch(command);
    if (this.selected !== null && !findBlock(this.document, this.selected)) this.select(null);
    return isDone;
  }

  undo(): void {
    this.bus.undo();
    if (!findBlock(this.document, this.selected)) this.select(null);
  }

  redo(): void {
    this.bus.redo();
    if (!findBlock(this.document, this.selected)) this.select(null);
  }

  /** Selects a block, by default with its fields. Mere dragging selects too, and must not open a panel over the mouse. */
  select(id: string | null, opens = true): void {
    if (id !== this.selected) this.bus.seal();
    this.selected = id;
    if (id !== null && opens) this.side = 'block';
    else if (id === null && this.side === 'block') this.side = null;
  }

  /** Opens the fields of a block and brings it into view. */
  reveal(id: string): void {
    this.select(id);
    this.canvas?.show(id);
  }

  update(block: Block, field?: string): void {
    this.dispatch({ kind: 'update_block', block, field });
  }

  /** Adds a block and selects it. Without a place it stands beside the block that it is joined to. */
  add(type: BlockType, options: { from?: PortRef; place?: Position } = {}): string | null {
    if (!canAdd(this.document, type)) return null;
    const taken = new Set(this.document.blocks.map((block) => block.id));
    const block = createBlock(type, newBlockId(type, taken, this.#random));
    const place = options.place
      ? freeNear(this.document, block, options.place)
      : freePlace(this.document, block, isEntry(type) ? null : (options.from?.block ?? this.selected));
    const position = { x: Math.round(place.x), y: Math.round(place.y) };
    if (!this.dispatch({ kind: 'add_block', block: { ...block, position }, from: options.from })) return null;
    this.select(block.id, options.place === undefined || this.side !== null);
    return block.id;
  }

  /** Adds a block after the selected one: at its first free port, else between it and what follows. */
  addAfterSelected(type: BlockType): string | null {
    const selected = this.block;
    const ports = selected ? portsOf(selected).map((port) => ({ block: selected.id, port: port.id })) : [];
    const from = ports.find((port) => targetOf(this.document, port) === undefined) ?? ports[0];
    return this.add(type, { from });
  }

  remove(id: string): void {
    this.dispatch({ kind: 'remove_blocks', ids: [id] });
  }

  /** Saves what is not saved; true when the server has the newest draft. */
  flush(): Promise<boolean> {
    return this.#autosave.flush();
  }

  async publish(): Promise<PublishedVersion> {
    const version = await scenarioApi.publish(this.id);
    this.published = version;
    return version;
  }

  /** Saves, then begins a test conversation over the draft; what keeps it from starting is among the problems. */
  async startTest(): Promise<void> {
    await this.flush();
    await this.test.start();
    const { error } = this.test;
    if (error instanceof ApiProblem && error.problems.length > 0) this.problems = error.problems as Problem[];
  }

  async loadEndpoints(): Promise<void> {
    this.endpoints = await scenarioApi.endpoints();
  }

  /** Saves in the background and stops the timer; for leaving the page. */
  close(): void {
    this.test.stop();
    if (this.saveState !== 'saved') void this.flush();
    this.#autosave.stop();
  }
}

const KEY = Symbol('scenario editor');

export function provideEditor(editor: ScenarioEditor): void {
  setContext(KEY, editor);
}

export function useEditor(): ScenarioEditor {
  return getContext<ScenarioEditor>(KEY);
}
