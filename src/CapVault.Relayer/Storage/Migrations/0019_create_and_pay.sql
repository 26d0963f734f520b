-- Orders that are created and paid in one operation: operation.step and prepared_operation.step may be create_and_pay.

-- 1: the Requester consents to be charged by the acceptance.
ALTER TABLE negotiation ADD COLUMN pay_on_accept INTEGER NOT NULL DEFAULT 0;

DROP VIEW order_book;
-- Where an order stands, as the API says it: its phase, or the step in flight.
CREATE VIEW order_book AS
SELECT o.order_id, o.public_id, o.negotiation_id, o.service_id, o.requester_agent_id, o.provider_agent_id, o.terms, o.created_at,
  coalesce(s.phase, 0) AS phase, s.deadline_time, s.deliverable_hash, s.to_provider, s.fee, s.commission, s.refund, s.rejected_by, s.reason_hash, s.disputed_by,
  s.create_tx, s.created_time, s.approve_tx, s.approved_time, s.pay_tx, s.paid_time, s.sla_deadline_time, s.deliver_tx, s.delivered_time,
  s.dispute_tx, s.disputed_time, s.resolve_tx, s.resolved_time, s.clear_tx, s.cleared_time, s.reject_tx, s.rejected_time, s.expire_tx, s.expired_time,
  r.text AS reject_reason, d.text AS dispute_reason,
  p.step AS pending_step, p.user_op_hash AS pending_user_op_hash, p.tx_hash AS pending_tx_hash, p.attempt AS pending_attempt,
  p.created_at AS pending_since,
  f.step AS failed_step, f.failure_code, f.failure_reason, f.user_op_hash AS failed_user_op_hash, f.tx_hash AS failed_tx_hash,
  f.updated_at AS failed_at,
  CASE coalesce(s.phase, 0)
    WHEN 5 THEN 'completed' WHEN 6 THEN 'rejected' WHEN 7 THEN 'expired'
    ELSE CASE p.step
      WHEN 'create' THEN 'creating' WHEN 'create_and_pay' THEN CASE coalesce(s.phase, 0) WHEN 0 THEN 'creating' ELSE 'paying' END
      WHEN 'pay' THEN 'paying' WHEN 'deliver' THEN 'delivering' WHEN 'release' THEN 'clearing'
      WHEN 'reject' THEN 'rejecting' WHEN 'expire' THEN 'expiring'
      ELSE CASE
        WHEN s.phase = 4 OR s.dispute_tx IS NOT NULL THEN 'disputed'
        ELSE CASE coalesce(s.phase, 0)
          -- Nothing has tried to create it yet: the Requester, which pays on acceptance, is to sign.
          WHEN 0 THEN CASE WHEN EXISTS (SELECT 1 FROM operation c WHERE c.order_id = o.order_id AND c.step IN ('create', 'create_and_pay')) THEN 'create_failed' ELSE 'creating' END
          WHEN 1 THEN 'created' WHEN 2 THEN 'paid' ELSE 'delivered' END
      END
    END
  END AS status
FROM orders o
LEFT JOIN order_state s ON s.order_id = o.order_id
LEFT JOIN reason r ON r.order_id = o.order_id AND r.reason_hash = s.reason_hash
LEFT JOIN reason d ON d.order_id = o.order_id AND d.reason_hash = s.dispute_reason_hash
LEFT JOIN operation p ON p.operation_id = (SELECT max(operation_id) FROM operation WHERE order_id = o.order_id AND live = 1)
LEFT JOIN operation f ON f.operation_id =
  (SELECT max(operation_id) FROM operation WHERE order_id = o.order_id AND live = 0 AND failure_code IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM operation n WHERE n.order_id = o.order_id AND n.operation_id > f.operation_id AND n.failure_code IS NULL);
