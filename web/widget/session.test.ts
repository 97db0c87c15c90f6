import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeServer } from "./fake-server";
import { createSession, type Session } from "./session";
import { createStore } from "./store";

/** A tab of the visitor's browser. Tabs share localStorage; `storage` events are passed on by hand. */
function openTab(server: FakeServer): Session {
  return createSession(server.env, { origin: "http://chat.test", bot: "bot_1", language: "en" }, createStore("kanca:bot_1:"), () => {});
}

const texts = (session: Session) => session.state().entries.map((entry) => entry.text);
const states = (session: Session) => session.state().entries.map((entry) => entry.state);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const count = (server: FakeServer, what: string) => server.seen.filter((line) => line.startsWith(what)).length;

let server: FakeServer;
let tab: Session;
const tabs: Session[] = [];
const newTab = () => {
  const fresh = openTab(server);
  tabs.push(fresh);
  return fresh;
};

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  server = new FakeServer();
  tab = newTab();
});

afterEach(() => {
  tabs.splice(0).forEach((one) => one.stop());
  vi.useRealTimers();
});

describe("beginning", () => {
  it("does nothing on the network until the panel is opened", async () => {
    await pass(60_000);
    expect(server.seen).toEqual([]);
    expect(tab.state().phase).toBe("none");
  });

  it("greets when opened, under the bot's name", async () => {
    tab.watch();
    expect(tab.state().line).toBe("connecting");
    await pass(50);
    expect(texts(tab)).toEqual(["Hello"]);
    expect(tab.state()).toMatchObject({ phase: "open", line: "up", name: "Ada" });
  });

  it("tells the server what the page knew before the conversation, and what it learns later", async () => {
    tab.setContact({ attributes: { name: "Ayşe" } });
    tab.watch();
    await pass(50);
    expect(server.only.contact).toEqual({ language: "en", name: "Ayşe" });
    tab.setContact({ attributes: { email: "a@example.com" } });
    await pass(50);
    expect(server.only.contact).toMatchObject({ name: "Ayşe", email: "a@example.com" });
  });

  it("keeps trying while the server is away, and sends what was written meanwhile", async () => {
    server.reachable = false;
    tab.watch();
    tab.say("anyone?");
    await pass(5000);
    expect(tab.state().line).toBe("lost");
    expect(states(tab)).toEqual(["sending"]);
    server.reachable = true;
    await pass(31_000);
    expect(texts(tab)).toEqual(["Hello", "anyone?"]);
    expect(states(tab)).toEqual(["sent", "sent"]);
  });

  it("says so when the bot does not exist", async () => {
    server.refusals = [{ status: 404, detail: "There is no such bot." }];
    tab.watch();
    await pass(50);
    expect(tab.state().phase).toBe("unavailable");
  });
});

describe("sending", () => {
  beforeEach(async () => {
    tab.watch();
    await pass(50);
  });

  it.each([true, false])("shows a message once, whether the acknowledgement comes first (%s) or last", async (ackFirst) => {
    server.ackFirst = ackFirst;
    tab.say("one");
    tab.say("two");
    const keys = tab.state().entries.map((entry) => entry.key);
    expect(states(tab)).toEqual(["sent", "sending", "sending"]);
    await pass(50);
    expect(texts(tab)).toEqual(["Hello", "one", "two"]);
    expect(states(tab)).toEqual(["sent", "sent", "sent"]);
    expect(tab.state().entries.map((entry) => entry.key)).toEqual(keys);
    expect(localStorage.getItem("kanca:bot_1:outbox")).toBeNull();
  });

  it("sends again, under the same id, what was not acknowledged when the line dropped", async () => {
    server.dropBeforeAck = true;
    tab.say("important");
    await pass(3000);
    expect(server.seen.filter((line) => line.startsWith("send"))).toEqual(["send client-2", "send client-2"]);
    expect(server.only.messages.map((message) => message.text)).toEqual(["Hello", "important"]);
    expect(texts(tab)).toEqual(["Hello", "important"]);
    expect(states(tab)).toEqual(["sent", "sent"]);
  });

  it("sends after a reload what the page could not", async () => {
    server.reachable = false;
    server.drop();
    tab.say("first");
    tab.say("second");
    tab.stop();
    server.reachable = true;
    const reloaded = newTab();
    await pass(50);
    expect(texts(reloaded)).toEqual(["Hello", "first", "second"]);
    expect(server.only.messages.map((message) => message.text)).toEqual(["Hello", "first", "second"]);
  });

  it("takes a line for dead that does not acknowledge", async () => {
    server.deaf = true;
    tab.say("hello?");
    await pass(9000);
    server.deaf = false;
    expect(states(tab)).toEqual(["sent", "sending"]);
    await pass(2000);
    expect(texts(tab)).toEqual(["Hello", "hello?"]);
    expect(states(tab)).toEqual(["sent", "sent"]);
  });

  it("waits as long as a 429 says, then goes on in order", async () => {
    server.refusals = [{ status: 429, detail: "Slow down.", retry_after: 7 }];
    tab.say("a");
    tab.say("b");
    await pass(100);
    expect(tab.state().slowUntil).toBeGreaterThan(Date.now());
    await pass(6000);
    expect(count(server, "send")).toBe(1);
    await pass(2000);
    expect(tab.state().slowUntil).toBe(0);
    expect(texts(tab)).toEqual(["Hello", "a", "b"]);
    expect(states(tab)).toEqual(["sent", "sent", "sent"]);
  });

  it("leaves a refused message to the visitor and goes on with the next", async () => {
    server.refusals = [{ status: 422, detail: "No." }];
    tab.say("bad");
    tab.say("good");
    await pass(50);
    expect(texts(tab)).toEqual(["Hello", "good", "bad"]);
    expect(states(tab)).toEqual(["sent", "sent", "failed"]);
    tab.retry("client-2");
    await pass(50);
    expect(states(tab)).toEqual(["sent", "sent", "sent"]);
  });

  it("drops a refused message when told to", async () => {
    server.refusals = [{ status: 422, detail: "No." }];
    tab.say("bad");
    await pass(50);
    tab.discard("client-2");
    expect(texts(tab)).toEqual(["Hello"]);
  });
});

describe("the line", () => {
  beforeEach(async () => {
    tab.watch();
    await pass(50);
  });

  it("asks for what it missed and shows nothing twice", async () => {
    server.drop();
    server.bot("while you were away", {}, 2);
    expect(tab.state().line).toBe("lost");
    await pass(1000);
    expect(server.seen.filter((line) => line.startsWith("hello"))).toEqual(["hello after=0", "hello after=1"]);
    expect(texts(tab)).toEqual(["Hello", "while you were away"]);
    server.live()[0]!.say({ type: "message", message: server.only.messages[1]! });
    await pass(50);
    expect(texts(tab)).toEqual(["Hello", "while you were away"]);
  });

  it("never asks past a message that it has not seen because of an acknowledgement", async () => {
    const [socket] = server.live();
    socket!.say({ type: "ack", client_id: "client-99", id: "msg_9", seq: 9 });
    await pass(10);
    server.drop();
    await pass(1000);
    expect(server.seen.filter((line) => line.startsWith("hello")).pop()).toBe("hello after=1");
  });

  it("waits longer each time, and at once when the network returns", async () => {
    server.reachable = false;
    server.drop();
    await pass(60_000);
    const tries = server.seen.length;
    await pass(20_000);
    expect(server.seen.length - tries).toBeLessThan(3);
    server.reachable = true;
    tab.wake(true);
    await pass(50);
    expect(tab.state().line).toBe("up");
  });

  it("polls and posts when sockets fail twice, and tries the socket again later", async () => {
    server.socketsWork = false;
    server.drop();
    await pass(3000);
    expect(tab.state().line).toBe("up");
    tab.say("by post");
    await pass(50);
    server.bot("by poll");
    await pass(50);
    expect(texts(tab)).toEqual(["Hello", "by post", "by poll"]);
    expect(states(tab)).toEqual(["sent", "sent", "sent"]);
    expect(server.seen.some((line) => line.startsWith("POST /conversations/"))).toBe(true);

    server.socketsWork = true;
    const sockets = count(server, "socket");
    await pass(90_000);
    expect(count(server, "socket")).toBe(sockets + 1);
    expect(server.live()).toHaveLength(1);
    const requests = count(server, "GET");
    await pass(60_000);
    expect(count(server, "GET")).toBe(requests);
  });

  it("does not flood a server that answers polls at once", async () => {
    server.socketsWork = false;
    server.drop();
    const { fetch } = server.env;
    server.env.fetch = (url, init) => fetch(url.replace(/wait=\d+/, "wait=0"), init);
    await pass(3000);
    const before = server.seen.length;
    await pass(10_000);
    expect(server.seen.length - before).toBeLessThan(12);
  });

  it("does not hurry back to a server that drops it each time", async () => {
    for (let i = 0; i < 100; i++) {
      server.drop();
      await pass(500);
    }
    expect(count(server, "socket")).toBeLessThan(12);
  });
});

describe("coming back", () => {
  it("finds the conversation again after a reload, with its history", async () => {
    tab.watch();
    await pass(50);
    tab.say("hi");
    await pass(50);
    tab.stop();
    const reloaded = newTab();
    await pass(50);
    expect(texts(reloaded)).toEqual(["Hello", "hi"]);
    expect(server.conversations.size).toBe(1);
  });

  it("counts what came while the panel was closed", async () => {
    tab.watch();
    await pass(50);
    tab.unwatch();
    server.bot("Still there?");
    await pass(50);
    expect(tab.state().unread).toBe(1);
    tab.stop();
    const reloaded = newTab();
    await pass(50);
    expect(reloaded.state().unread).toBe(1);
    reloaded.watch();
    expect(reloaded.state().unread).toBe(0);
  });

  it("quietly begins anew when the server was reset, and keeps what was not sent", async () => {
    tab.watch();
    await pass(50);
    server.reachable = false;
    server.drop();
    tab.say("keep me", "block/c1");
    server.forget();
    server.reachable = true;
    await pass(5000);
    expect(texts(tab)).toEqual(["Hello", "keep me"]);
    expect(states(tab)).toEqual(["sent", "sent"]);
    expect(server.only.messages).toHaveLength(2);
  });

  it("gives up on a server that forgets every conversation", async () => {
    const { fetch } = server.env;
    server.env.fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (init.method === "POST") server.forget();
      return response;
    };
    tab.watch();
    tab.say("hello");
    await pass(60_000);
    expect(tab.state().phase).toBe("unavailable");
    expect(count(server, "POST /conversations")).toBeLessThan(6);
  });

  it("begins anew when told to after the end, offering the text that came too late", async () => {
    tab.watch();
    await pass(50);
    server.only.ended = true;
    tab.say("too late");
    await pass(50);
    expect(tab.state().phase).toBe("ended");
    expect(states(tab)).toEqual(["sent", "failed"]);
    expect(tab.again()).toBe("too late");
    await pass(50);
    expect(tab.state().phase).toBe("open");
    expect(texts(tab)).toEqual(["Hello"]);
  });

  it("shows an ended conversation again without keeping a line open", async () => {
    tab.watch();
    await pass(50);
    server.bot("Bye");
    server.end();
    await pass(50);
    expect(tab.state()).toMatchObject({ phase: "ended" });
    tab.stop();
    const before = count(server, "socket");
    const reloaded = newTab();
    await pass(50);
    expect(count(server, "socket")).toBe(before);
    reloaded.watch();
    await pass(50);
    expect(texts(reloaded)).toEqual(["Hello", "Bye"]);
    server.drop();
    await pass(60_000);
    expect(count(server, "socket")).toBe(before + 1);
  });
});

describe("two tabs", () => {
  it("share one conversation without doubling anything", async () => {
    tab.watch();
    await pass(50);
    const other = newTab();
    other.watch();
    await pass(50);
    tab.say("from one");
    other.say("from two");
    await pass(50);
    server.bot("to both");
    await pass(50);
    expect(texts(tab)).toEqual(["Hello", "from one", "from two", "to both"]);
    expect(texts(other)).toEqual(texts(tab));
    expect(server.only.messages).toHaveLength(4);
  });

  it("opened at the same moment, settle on one conversation", async () => {
    const other = newTab();
    tab.watch();
    other.watch();
    await pass(50);
    tab.say("here");
    await pass(50);
    expect(texts(other)).toEqual(["Hello", "here"]);
  });

  it("follow each other into a new conversation", async () => {
    tab.watch();
    await pass(50);
    const other = newTab();
    other.watch();
    await pass(50);
    server.end();
    await pass(50);
    tab.again();
    await pass(50);
    dispatchEvent(new StorageEvent("storage", { key: "kanca:bot_1:conversation" }));
    await pass(50);
    expect(other.state().phase).toBe("open");
    tab.say("new start");
    await pass(50);
    expect(texts(other)).toEqual(["Hello", "new start"]);
  });

  it("take over a message that a closed tab has left", async () => {
    tab.watch();
    await pass(50);
    const other = newTab();
    other.watch();
    await pass(50);
    server.deaf = true;
    tab.say("left behind");
    await pass(5);
    tab.stop();
    server.deaf = false;
    await pass(25_000);
    other.wake(true);
    await pass(50);
    expect(texts(other)).toEqual(["Hello", "left behind"]);
  });
});

it("works in memory where storage is refused", async () => {
  const refuse = () => {
    throw new DOMException("denied", "SecurityError");
  };
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(refuse);
  vi.spyOn(Storage.prototype, "getItem").mockImplementation(refuse);
  const memory = newTab();
  memory.watch();
  await pass(50);
  memory.say("hi");
  await pass(50);
  expect(texts(memory)).toEqual(["Hello", "hi"]);
  vi.restoreAllMocks();
});
