-- What each placement pays for without need (docs/adr/0054).
-- A trigger before an update locks the row first, which is a second record in the log for each booking; after it nothing is locked again.
-- It refuses the same.
DROP TRIGGER host_capacity ON scheduler.host;
CREATE TRIGGER host_capacity AFTER UPDATE ON scheduler.host FOR EACH ROW WHEN (
  (NEW.booked_cpu_milli > OLD.booked_cpu_milli AND
     NEW.booked_cpu_milli * 1000.0::float8 > (NEW.cpu_milli - NEW.reserve_cpu_milli) * NEW.cpu_overcommit_permille::float8) OR
  (NEW.booked_memory_bytes > OLD.booked_memory_bytes AND
     NEW.booked_memory_bytes * 1000.0::float8 > (NEW.memory_bytes - NEW.reserve_memory_bytes) * NEW.memory_overcommit_permille::float8) OR
  (NEW.booked_disk_bytes > OLD.booked_disk_bytes AND
     NEW.booked_disk_bytes * 1000.0::float8 > (NEW.disk_bytes - NEW.reserve_disk_bytes) * NEW.disk_overcommit_permille::float8) OR
  (NEW.booked_instances > OLD.booked_instances AND NEW.max_instances > 0 AND NEW.booked_instances > NEW.max_instances))
  EXECUTE FUNCTION scheduler.refuse_overbooking();
-- A row has no number before it is sealed: no entry for it then.
ALTER TABLE gateway.audit DROP CONSTRAINT audit_number_key;
CREATE UNIQUE INDEX audit_number ON gateway.audit (number) WHERE number IS NOT NULL;
