export type { Link, LinkEnd, LinkStats } from './link.ts'
