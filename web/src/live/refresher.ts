// What events made old is read again: at once when the last read was quick, less often when it was long. A read that is under
// way is let come to its end (one that is broken off by every event would never end), and what came meanwhile is read after it.

/** Share of the time that reading again may take: a list that takes a second to read is read every four seconds at most. */
const REST_FACTOR = 3;
/** Rest is never longer: what is shown may not be older than this because of it. */
const REST_MAX_MS = 15_000;

export interface RefreshEnvironment {
	now: () => number;
	setTimeout: (run: () => void, ms: number) => unknown;
	clearTimeout: (timer: never) => void;
	/** Reads everything of a topic again; ends when it has been read. */
	read: (topic: string) => Promise<unknown>;
}

interface Topic {
	reading: boolean;
	/** Something came while it was being read, or while it rested. */
	again: boolean;
	restsUntilMs: number;
	timer: unknown;
}

export class Refresher {
	private readonly topics = new Map<string, Topic>();

	constructor(private readonly environment: RefreshEnvironment) {}

	/** These are old. */
	refresh(names: Iterable<string>): void {
		for (const name of names) {
			const topic = this.topics.get(name) ?? { reading: false, again: false, restsUntilMs: 0, timer: null };
			this.topics.set(name, topic);
			this.consider(name, topic);
		}
	}

	stop(): void {
		for (const topic of this.topics.values()) {
			this.environment.clearTimeout(topic.timer as never);
		}
		this.topics.clear();
	}

	private consider(name: string, topic: Topic): void {
		if (topic.reading || topic.timer !== null) {
			topic.again = true;
			return;
		}
		const wait = topic.restsUntilMs - this.environment.now();
		if (wait > 0) {
			topic.timer = this.environment.setTimeout(() => {
				topic.timer = null;
				this.consider(name, topic);
			}, wait);
			return;
		}
		void this.read(name, topic);
	}

	private async read(name: string, topic: Topic): Promise<void> {
		topic.reading = true;
		topic.again = false;
		const begin = this.environment.now();
		await this.environment.read(name).catch(() => undefined); // the query keeps its own error
		const end = this.environment.now();
		topic.reading = false;
		topic.restsUntilMs = end + Math.min(REST_MAX_MS, (end - begin) * REST_FACTOR);
		if (topic.again && this.topics.get(name) === topic) {
			this.consider(name, topic);
		}
	}
}
