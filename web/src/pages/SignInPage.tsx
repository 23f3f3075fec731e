// Sign-in. The page behind it stays at its URL: after signing in one is where one wanted to be.
import { Button, Form, Input } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getJson } from '../api/client';
import type { LogIn } from '../api/types';
import { LanguageButton, ThemeButton } from '../app/Tools';
import { useSession } from '../app/session';
import mark from '../assets/mark.svg';
import { refusalOf, wayBack } from '../lib/logIn';
import { useTitle } from '../ui/Page';
import { problemOf, ProblemText } from '../ui/Problems';

interface Entered {
	name: string;
	password: string;
}

/** The company's own log-in, when the gateway has one: a link, because the browser goes there. */
function Elsewhere() {
	const { t } = useTranslation();
	const [oidc, setOidc] = useState<LogIn['oidc']>(null);
	useEffect(() => {
		const gone = new AbortController();
		getJson<LogIn>('/v1/log-in', gone.signal).then((answer) => setOidc(answer.oidc), () => undefined); // passwords still work
		return () => gone.abort();
	}, []);
	const refusal = refusalOf(window.location.search);
	return (
		<>
			{refusal && (
				<div className="sot-notice bad" role="alert" style={{ marginTop: 18 }}>
					{t('signIn/failed', { why: t(`signIn/why/${refusal.reason}`), request: refusal.request })}
				</div>
			)}
			{oidc && (
				<>
					<p className="sot-login-or">{t('signIn/or')}</p>
					<Button block href={`${oidc.url}?back=${encodeURIComponent(wayBack(window.location))}`} data-log-in="oidc">
						{t('signIn/with', { title: oidc.title })}
					</Button>
				</>
			)}
		</>
	);
}

export function SignInPage() {
	const { t } = useTranslation();
	const { signIn, ended } = useSession();
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState<unknown>(null);
	useTitle(t('signIn/heading'));
	const submit = async ({ name, password }: Entered): Promise<void> => {
		setBusy(true);
		setFailure(null);
		try {
			await signIn(name, password);
		} catch (cause) {
			setFailure(cause);
		} finally {
			setBusy(false);
		}
	};
	return (
		<div className="sot-login">
			<div className="sot-login-art">
				<img src={mark} alt="" />
				<h1>{t('app/title')}</h1>
				<p>{t('signIn/lead')}</p>
				<svg viewBox="0 0 800 260" preserveAspectRatio="none" height="260" aria-hidden="true">
					<path d="M0 120c90-50 180-50 270 0s180 50 270 0 170-50 260-10v150H0z" fill="#0e4b53" opacity=".6" />
					<path d="M0 165c80-38 160-38 240 0s160 38 240 0 210-44 320 4v91H0z" fill="#12626a" opacity=".45" />
					<path d="M0 215c100-26 190-26 290 0s190 22 290-6 140-20 220 0v51H0z" fill="#178079" opacity=".4" />
				</svg>
			</div>
			<main className="sot-login-form">
				<div className="sot-login-tools">
					<LanguageButton />
					<ThemeButton />
				</div>
				<Form<Entered> layout="vertical" size="large" onFinish={(entered) => void submit(entered)} requiredMark={false}>
					<h2>{t('signIn/heading')}</h2>
					{ended && <div className="sot-notice info" role="status">{t('signIn/ended')}</div>}
					<Form.Item name="name" label={t('signIn/name')} rules={[{ required: true, message: t('signIn/nameNeeded') }]}>
						<Input autoComplete="username" autoFocus />
					</Form.Item>
					<Form.Item name="password" label={t('signIn/password')} rules={[{ required: true, message: t('signIn/passwordNeeded') }]}>
						<Input.Password autoComplete="current-password" />
					</Form.Item>
					{failure !== null && (
						<div className="sot-notice bad" role="alert" style={{ marginBottom: 18 }}>
							<ProblemText problem={problemOf(failure)} />
						</div>
					)}
					<Button type="primary" htmlType="submit" block loading={busy}>
						{t('signIn/submit')}
					</Button>
					<Elsewhere />
				</Form>
			</main>
		</div>
	);
}
