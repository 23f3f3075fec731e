// Entry: languages first, so that nothing is ever shown as a key.
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { startI18n } from './i18n';
import './styles/base.css';

const root = document.getElementById('root');
if (root) {
	void startI18n().then(() =>
		createRoot(root).render(
			<StrictMode>
				<App />
			</StrictMode>,
		),
	);
}
