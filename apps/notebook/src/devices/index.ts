/** The side panel with the session's devices. */
export { DevicesPanel, type DevicesPanelProps } from './devices-panel.tsx'
