// Many events, few refreshes: keys are collected and handed over at most once per interval, never while the tab is hidden.

export interface CoalesceEnvironment {
	now: () => number;
	setTimeout: (run: () => void, ms: number) => unknown;
	clearTimeout: (timer: never) => void;
	isHidden: () => boolean;
}

/** Four times a second. */
export const REFRESH_INTERVAL_MS = 250;

export class Coalescer {
	private readonly pending = new Set<string>();
	private timer: unknown = null;
	private lastFlushMs = Number.NEGATIVE_INFINITY;

	constructor(
		private readonly environment: CoalesceEnvironment,
		private readonly flushed: (keys: string[]) => void,
		private readonly intervalMs = REFRESH_INTERVAL_MS,
	) {}

	/** The first key after a quiet time is handed over at once (next turn), later ones with the beat. */
	add(keys: Iterable<string>): void {
		for (const key of keys) {
			this.pending.add(key);
		}
		this.arm();
	}

	/** The tab can be seen again: hand over what has come meanwhile. */
	wake(): void {
		this.arm();
	}

	stop(): void {
		this.environment.clearTimeout(this.timer as never);
		this.timer = null;
		this.pending.clear();
	}

	private arm(): void {
		if (this.timer !== null || this.pending.size === 0 || this.environment.isHidden()) {
			return;
		}
		const wait = Math.max(0, this.lastFlushMs + this.intervalMs - this.environment.now());
		this.timer = this.environment.setTimeout(() => this.flush(), wait);
	}

	private flush(): void {
		this.timer = null;
		if (this.environment.isHidden()) {
			return; // wake() comes back
		}
		const keys = [...this.pending];
		this.pending.clear();
		this.lastFlushMs = this.environment.now();
		this.flushed(keys);
	}
}
