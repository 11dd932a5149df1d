-- Records that change nothing.
SELECT * FROM kms_records WHERE class NOT IN ('admin', 'service')
