// The look: calm lagoon greens on slate, dense, the same rhythm everywhere. Own colours are CSS variables (styles/base.css);
// antd gets the same values here.
import { theme as antd, type ThemeConfig } from 'antd';

export type Mode = 'light' | 'dark';

const FONT = [
	'Inter',
	'"Segoe UI"',
	'Roboto',
	'"Helvetica Neue"',
	'"PingFang SC"',
	'"Microsoft YaHei"',
	'"Noto Sans CJK SC"',
	'"Noto Sans SC"',
	'"DejaVu Sans"',
	'sans-serif',
].join(', ');

const PALETTE = {
	light: {
		primary: '#0b7a75',
		success: '#1a7a50',
		warning: '#8a5a10',
		error: '#c53b3b',
		layout: '#f3f6f7',
		container: '#ffffff',
		elevated: '#ffffff',
		text: '#16252b',
		onColour: '#ffffff',
		muted: '#5c6f77',
		border: '#dbe3e6',
		split: '#e8eef0',
		header: '#f7fafa',
	},
	dark: {
		primary: '#35b3a5',
		success: '#3fb67f',
		warning: '#d9a441',
		error: '#f58a8c',
		layout: '#0d1518',
		container: '#142025',
		elevated: '#1a292f',
		text: '#dbe7ea',
		onColour: '#051a17',
		muted: '#8fa5ac',
		border: '#2a3c43',
		split: '#22333a',
		header: '#18262c',
	},
} as const;

export function themeFor(mode: Mode, moves: boolean): ThemeConfig {
	const colours = PALETTE[mode];
	return {
		algorithm: mode === 'dark' ? antd.darkAlgorithm : antd.defaultAlgorithm,
		hashed: false,
		cssVar: { key: `sotalia-${mode}` },
		token: {
			colorPrimary: colours.primary,
			colorInfo: colours.primary,
			colorLink: colours.primary,
			colorSuccess: colours.success,
			colorWarning: colours.warning,
			colorError: colours.error,
			colorTextBase: colours.text,
			colorTextPlaceholder: colours.muted,
			colorTextDescription: colours.muted,
			colorBgLayout: colours.layout,
			colorBgContainer: colours.container,
			colorBgElevated: colours.elevated,
			colorBorder: colours.border,
			colorBorderSecondary: colours.split,
			fontFamily: FONT,
			fontSize: 13,
			borderRadius: 6,
			controlHeight: 30,
			controlHeightSM: 24,
			wireframe: false,
			motion: moves,
			motionDurationMid: '0.12s',
			motionDurationSlow: '0.18s',
		},
		components: {
			Table: {
				headerBg: colours.header,
				headerSplitColor: 'transparent',
				cellPaddingBlockSM: 7,
				cellPaddingInlineSM: 12,
				rowHoverBg: mode === 'dark' ? '#1a2a30' : '#f2f8f8',
			},
			Button: { primaryColor: colours.onColour, dangerColor: colours.onColour },
			Card: { headerFontSize: 14, bodyPaddingSM: 14 },
			Drawer: { paddingLG: 20 },
			Tabs: { horizontalMargin: '0 0 14px 0' },
		},
	};
}
