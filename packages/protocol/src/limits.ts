/**
 * Every bound that both sides of the wire agree on, with its unit and reason. The server enforces them;
 * clients stay below them. Not for: settings a person chooses.
 */

/** Raised with every incompatible change of messages or frames; both sides refuse a stranger. */
export const PROTOCOL_VERSION = 1

/** Bytes. One socket.io message: a relayed 64 KiB frame or a console burst fits with room to spare. */
export const MAX_MESSAGE_BYTES = 1_048_576
/** Bytes of JSON in one signal: an SDP with many candidates stays below 20 KiB. */
export const MAX_SIGNAL_BYTES = 65_536
/** Bytes of one relayed frame: four default messages with their headers. */
export const MAX_RELAY_FRAME_BYTES = 262_144 + 96
/** Relayed frames of one connection that may await their acknowledgement: 32 slots with 8 each. */
export const MAX_RELAY_FRAMES_IN_FLIGHT = 256
/** Refusals within a minute that end a connection. */
export const MAX_REFUSALS_PER_MINUTE = 3
/** Bytes of JSON that a rank may return as its result. Larger things belong into files. */
export const MAX_RESULT_BYTES = 262_144
/** Bytes of JSON in one command to ranks. Programs and data go through the run's files; commands say where they lie. */
export const MAX_COMMAND_BYTES = 65_536
/** Characters of one console line; the rest is cut with a note. */
export const MAX_CONSOLE_CHARS = 16_384
/** Members (slots) of one session: a class and all its machines. */
export const MAX_MEMBERS = 256
/** Slots that one page may bring. */
export const MAX_SLOTS_PER_PAGE = 32
/** Pages that a session remembers as removed; the oldest is forgotten first. */
export const MAX_REMOVED_PAGES = 1_024
/** Sessions of one server process. */
export const MAX_SESSIONS = 2_048
/** Connections of one session: a page a member, and as many agents and watchers. */
export const MAX_CLIENTS_PER_SESSION = 512
/** Bytes of one uploaded run file (model, CSV). */
export const MAX_UPLOAD_BYTES = 1_073_741_824
/**
 * Milliseconds between server pings, and how long an answer may take. A tab that closes or crashes ends its
 * connection and is noticed at once; only a machine that vanishes without a word is found by silence. An answer
 * of 3 s was tried: with more work than cores, tabs that were alive and training missed it.
 */
export const HEARTBEAT_INTERVAL_MS = 2_000
export const HEARTBEAT_TIMEOUT_MS = 12_000
/** Bytes of one payload message on a link: measured best on WebRTC (64 KiB good, 256 KiB halves the rate). */
export const DEFAULT_MESSAGE_BYTES = 65_536
/** TCP port of the main node's server, as torchrun's rendezvous. */
export const DEFAULT_MAIN_PORT = 29_400
/** Seconds that a run waits for its ranks, and that one collective may take. */
export const DEFAULT_START_TIMEOUT_S = 600
export const DEFAULT_STEP_TIMEOUT_S = 60
