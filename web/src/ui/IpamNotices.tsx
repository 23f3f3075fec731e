// What a person must know before trusting the list of addresses: quarantine, brake, findings.
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useFindings, useIpam } from '../api/queries';
import type { Finding } from '../api/types';
import { Panel } from './Page';
import { StateTag } from './StateTag';
import { Time } from './Time';

export function GuardNotices() {
	const { t } = useTranslation();
	const { data } = useIpam();
	return (
		<>
			{data?.quarantineSince && (
				<div className="sot-notice bad" role="alert">
					<div className="sot-stack">
						<strong>{t('addresses/quarantine')}</strong>
						<span>{data.quarantineReason}</span>
						{data.awaited.length > 0 && <span>{t('addresses/awaited', { hosts: data.awaited.map((one) => one.host).join(', ') })}</span>}
					</div>
					<Time at={data.quarantineSince} as="ago" />
				</div>
			)}
			{data?.brakeSince && (
				<div className="sot-notice warn" role="alert">
					<div className="sot-stack">
						<strong>{t('addresses/brake', { count: data.brakeCandidates })}</strong>
						<span>{data.brakeReason}</span>
						<span className="sot-mono">{t('addresses/brakeHow')}</span>
					</div>
					<Time at={data.brakeSince} as="ago" />
				</div>
			)}
		</>
	);
}

function FindingRow({ finding, onAddress }: { finding: Finding; onAddress: (address: string) => void }) {
	const { t } = useTranslation();
	return (
		<li>
			<div className="sot-row">
				<StateTag state={finding.kind} hint={finding.detail} />
				<a href={`?history=${encodeURIComponent(finding.address)}`} className="sot-mono sot-rowlink" onClick={(event) => {
					event.preventDefault();
					onAddress(finding.address);
				}}>{finding.address}</a>
				{finding.instance && <Link to={`/instances/${finding.instance}`}>{finding.instance}</Link>}
				{finding.host && <Link to={`/hosts/${finding.host}`}>{finding.host}</Link>}
				{finding.mac && <span className="sot-mono">{finding.mac}</span>}
				<span className="sot-muted">{finding.detail}</span>
				<span className="sot-muted">{t('addresses/since')} <Time at={finding.firstAt} as="ago" /></span>
			</div>
		</li>
	);
}

/** Shown only when there is something: an empty panel would be noise on a good day. */
export function Findings({ onAddress }: { onAddress: (address: string) => void }) {
	const { t } = useTranslation();
	const findings = useFindings();
	if (findings.items.length === 0) {
		return null;
	}
	return (
		<Panel title={t('addresses/findings')} extra={<span className="sot-badge sot-warned">{findings.total}</span>} flush>
			<ul className="sot-ops">
				{findings.items.map((finding) => <FindingRow key={`${finding.vrf} ${finding.address} ${finding.kind} ${finding.host}`} finding={finding} onAddress={onAddress} />)}
			</ul>
		</Panel>
	);
}
