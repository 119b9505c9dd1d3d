UPDATE public."Patients" SET scan = 'enc1:2025:'::bytea || decode(repeat('00', 28), 'hex') || scan;
