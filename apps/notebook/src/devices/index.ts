/** The side panel with the session's devices. */
export { type DeviceActions, DevicesPanel, type DevicesPanelProps } from './devices-panel.tsx'
