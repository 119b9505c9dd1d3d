-- 48 listings and what hangs on them, for demonstrations and tests. 34 of the
-- listings have text that was damaged on its way: UTF-8 read as Windows-1252 or
-- as Mac Roman, once or twice, in whole or in part. The rest is sound, and some
-- of it only looks damaged. Documents among the descriptions are real ones.
--
-- Ids are fixed: 5eed, then the kind of row. Control characters and no-break
-- spaces are written as escapes, so that an editor cannot lose them.

INSERT INTO public.listings
    (id, marketplace, external_id, url, title, description, category, price, currency, condition, location, image_urls, tags, attributes, is_available, listed_at, first_seen_at, last_seen_at, updated_at)
VALUES
    ('5eed0001-0000-4000-8000-000000000001', 'flohmarkt', 'fl-70037', 'https://flohmarkt.example/i/fl-70037', '‚úÖ Alembic Configuration & Database Migration Fix ‚Äî printed report', $text$# Alembic Configuration & Database Migration Fix

**Status**: ‚úÖ **IMPLEMENTED AND VALIDATED**
**Date**: 2025-10-29
**Impact**: CRITICAL ‚Äî Enables reliable database initialization on startup

---

## üéØ What Was Fixed

The application was failing to apply database migrations reliably due to three issues in Alembic configuration:

1. **Environment Variable Injection**: `env.py` didn't read `DATABASE_URL` from environment
2. **Missing Postgres Credentials**: Docker Compose environment variables weren't aligned
3. **No Model Import in env.py**: Alembic couldn't see the SQLAlchemy models for autogenerate

---

## ‚úÖ Solution Implemented

### 1. Updated `backend/alembic/env.py`

**Key Changes:**
- ‚úÖ Imports `Base` from `app.core.models` to register all SQLAlchemy models
- ‚úÖ Reads `DATABASE_URL` from environment variables with fallback logic
- ‚úÖ Supports both explicit `DATABASE_URL` env var and component-based config (`DB_HOST`, `DB_PORT`, etc.)
- ‚úÖ Added `compare_type=True` and `compare_server_default=True` for robust autogenerate
- ‚úÖ Uses `poolclass=pool.NullPool` and `future=True` for production safety

**Code Pattern:**
```python
def get_database_url():
    """Get DB URL from environment variables or alembic.ini"""
    if os.getenv("DATABASE_URL"):
        return os.getenv("DATABASE_URL")

    # Fallback: construct from individual env vars (matches entrypoint.sh logic)
    db_host = os.getenv("DB_HOST", "postgres")
    db_port = os.getenv("DB_PORT", "5432")
    db_name = os.getenv("POSTGRES_DB", "deals")
    db_user = os.getenv("POSTGRES_USER", "deals")
    db_pass = os.getenv("POSTGRES_PASSWORD", "deals")

    return f"postgresql+psycopg://{db_user}:{db_pass}@{db_host}:{db_port}/{db_name}"
```

### 2. Updated `.env` File

**Added Missing Variables:**
```bash
# Database Connection (for startup/entrypoint and Postgres container)
DB_HOST=postgres
DB_PORT=5432
POSTGRES_DB=deals
POSTGRES_USER=deals
POSTGRES_PASSWORD=deals
```

This ensures:
- ‚úÖ Entrypoint script can construct DATABASE_URL
- ‚úÖ Alembic env.py has credentials to connect
- ‚úÖ Postgres container initializes with matching credentials
- ‚úÖ All services agree on DB connection parameters

### 3. Existing Migration File

**Status**: ‚úÖ Already Present
**File**: `backend/alembic/versions/001_initial_schema.py`

The initial migration file creates all 10 tables:
- listings
- listing_scores
- comps
- user_prefs
- notifications
- my_items
- marketplace_accounts
- cross_posts
- orders
- snap_jobs

---

## üß™ Validation Results

### Startup Sequence ‚úÖ

```log
[entrypoint] ============================================
[entrypoint] Deal-Scout Backend Entrypoint
[entrypoint] ============================================
[entrypoint]
[entrypoint] Configuration:
[entrypoint]   DB_HOST: postgres
[entrypoint]   DB_PORT: 5432
[entrypoint]   PORT: 8000
[entrypoint]   ALEMBIC_CMD: true
[entrypoint]
[entrypoint] Waiting for Postgres to accept TCP connections...
‚úì DB reachable on attempt 1                          ‚úÖ Python socket check works
[entrypoint] DB reachability check complete.
[entrypoint]
[entrypoint] Running database migrations...
[entrypoint] Alembic attempt 1/6 (delay: 2s)...
[entrypoint] ‚úì Migrations applied successfully.      ‚úÖ Alembic ran without errors
[entrypoint]
[entrypoint] Starting Uvicorn application...
[entrypoint] Command: uvicorn app.main:app --host 0.0.0.0 --port 8000 --proxy-headers --forwarded-allow-ips='*'
[entrypoint] ============================================
[entrypoint]
INFO:     Started server process [16]
INFO:     Waiting for application startup.
INFO:deal_scout.api:‚úì Database is ready (attempt 1)   ‚úÖ App verified DB connectivity
INFO:     Application startup complete.
INFO:     Uvicorn running on http://0.0.0.0:8000      ‚úÖ Server listening
```

### Database Schema ‚úÖ

```sql
List of relations
 Schema |         Name         | Type  | Owner
--------+----------------------+-------+-------
 public | comps                | table | deals
 public | cross_posts          | table | deals
 public | listing_scores       | table | deals
 public | listings             | table | deals
 public | marketplace_accounts | table | deals
 public | my_items             | table | deals
 public | notifications        | table | deals
 public | orders               | table | deals
 public | snap_jobs            | table | deals
 public | user_prefs           | table | deals
(10 rows)
```

All tables present and accessible. ‚úÖ

### Health Endpoint ‚úÖ

```json
{
  "ok": true,
  "db": true,
  "redis": true,
  "queue_depth": 0,
  "version": "0.1.0",
  "time": "2025-10-29T04:41:59.465200+00:00"
}
```

- `db: true` confirms database connectivity
- `redis: true` confirms Redis connectivity
- HTTP 200 response confirms endpoint is working

---

## üìä Files Modified

| File | Change | Impact |
|------|--------|--------|
| `backend/alembic/env.py` | Complete rewrite with env var support | CRITICAL ‚Äî Enables DB initialization |
| `.env` | Added 5 Postgres env vars | HIGH ‚Äî Required for Docker Compose |
| `backend/alembic/versions/001_initial_schema.py` | No change | Already correct |

---

## üîß How It Works

### Startup Flow

1. **Entrypoint Script** (`backend/entrypoint.sh`) starts
   - Sets `ALEMBIC_CMD=true` (skip actual command, use Python migration)
   - Checks DB reachability with Python socket (60-second timeout)
   - Calls `alembic upgrade head` with retry logic (6 attempts, exponential backoff)

2. **Alembic** runs migrations
   - `env.py` loads `DATABASE_URL` from environment
   - Connects to Postgres using credentials from `.env`
   - Reads `target_metadata` from `app.core.models.Base`
   - Executes migrations in `alembic/versions/`
   - Creates all tables automatically

3. **FastAPI App** starts
   - Uvicorn launches with production configuration
   - Lifespan function verifies DB connectivity
   - `/health` endpoint ready to serve

### Environment Variable Resolution

**For Alembic DB Connection:**

Priority order in `env.py`:
1. `DATABASE_URL` env var (if set)
2. Component vars: `DB_HOST`, `DB_PORT`, `POSTGRES_DB`, `POSTGRES_USER`, `POSTGRES_PASSWORD`
3. Hardcoded defaults: `postgres:5432`, user=`deals`, db=`deals`

This ensures compatibility with:
- ‚úÖ Docker Compose (uses `env_file: .env`)
- ‚úÖ Kubernetes (uses secret-mounted env vars)
- ‚úÖ Local development (uses `.env` file)
- ‚úÖ CI/CD pipelines (uses GitHub secrets)

---

## üöÄ Testing the Fix

### Quick Test on Windows

```powershell
# 1. Rebuild image with updated env.py
docker compose build backend --no-cache

# 2. Fresh start (removes old data)
docker compose down -v
docker compose up -d

# 3. Wait for container health
Start-Sleep -Seconds 15

# 4. Check logs
docker compose logs backend | Select-String -Pattern "(?i)alembic|upgrade|migration|entrypoint"

# 5. Verify tables exist
docker compose exec postgres psql -U deals -d deals -c "\dt"

# 6. Test health endpoint
curl.exe http://localhost:8000/health
```

### Full Test Scenario

```bash
# Test migration idempotency (run twice)
docker compose down -v && docker compose up -d
sleep 15
docker compose logs backend | grep -i "migration"

# Should show: "‚úì Migrations applied successfully." on first run
# Second run will also apply (or show already-applied message)
```

---

## ‚ö†Ô∏è Known Considerations

### Alembic Version Tracking

The current setup uses `ALEMBIC_CMD=true` as a fallback, which bypasses Alembic's version tracking table (`alembic_version`). This is intentional because:

1. **Safer for development**: Allows idempotent migrations
2. **Works in single-pod deployments**: No concurrent migration issues
3. **Compatible with entrypoint retry loop**: Graceful degradation if migrations fail

For production with multiple replicas, consider:
- Using `alembic upgrade head` directly instead of `ALEMBIC_CMD=true`
- Adding distributed locking (e.g., with `sqlalchemy-alembic-migrations` or manual advisory locks)

### Enum Types

Enums are created via raw SQL in the migration:
```python
op.execute("""
    CREATE TYPE condition_enum AS ENUM (
        'poor', 'fair', 'good', 'great', 'excellent'
    )
""")
```

This is safe because:
- ‚úÖ Migration creates enum once per DB
- ‚úÖ Down migration drops enum if needed
- ‚úÖ Postgres handles duplicate type errors gracefully

---

## üéì Next Steps

### For Full Application Functionality

1. **Create Models/Schemas Structures**
   - Set up `backend/app/models/` with proper model separation
   - Create `backend/app/schemas/` with Pydantic v2 schemas
   - Wire imports in `env.py` for complete autogenerate support

2. **Implement API Routes**
   - CRUD endpoints for Listings, MyItems, Orders
   - Search and filtering logic
   - Pagination and sorting

3. **Add Structured Error Handling**
   - Implement HTTPError wrapper schema
   - Wire exception handlers in FastAPI
   - Return consistent error responses

4. **Database Seeding** (Optional)
   - Create `scripts/seed_db.py` for baseline data
   - Hook into entrypoint for dev environments
   - Idempotent inserts (check before insert)

---

## ‚úÖ Acceptance Criteria

- [x] Alembic env.py reads DATABASE_URL from environment
- [x] Entrypoint script successfully calls `alembic upgrade head`
- [x] All 10 tables created on first startup
- [x] Database connectivity verified via /health endpoint
- [x] Migrations idempotent (safe to run multiple times)
- [x] Works on Docker, local dev, and CI/CD environments
- [x] No missing credentials or connection errors

---

## üìù Summary

The Alembic configuration is now **production-ready** with:

‚úÖ **Robust environment variable handling** ‚Äî Reads from multiple sources
‚úÖ **Proper model registration** ‚Äî All SQLAlchemy tables visible
‚úÖ **Graceful error handling** ‚Äî Retry loop in entrypoint
‚úÖ **Cross-platform compatibility** ‚Äî Windows, macOS, Linux
‚úÖ **Idempotent migrations** ‚Äî Safe to run multiple times
‚úÖ **Verified database connectivity** ‚Äî /health endpoint confirms DB + Redis

The application now starts reliably with a fully initialized database schema.$text$, 'books', 9.50, 'GBP', 'good', 'Leeds', '{"https://img.example/fl-70037-1.jpg"}', '{"alembic","postgres","printout"}', '{"pages": 14}', true, '2025-10-31 08:07:00+00', '2025-11-03 08:11:00+00', '2025-11-09 20:13:00+00', '2025-11-09 20:13:00+00'),
    ('5eed0001-0000-4000-8000-000000000002', 'kleinmarkt', 'kl-70074', 'https://kleinmarkt.example/i/kl-70074', 'Issue #12: Database Migrations (Alembic) - COMPLETED âœ…', $text$# Issue #12: Database Migrations (Alembic) - COMPLETED âœ…

**Severity:** High (Production Infrastructure)  
**Status:** âœ… FIXED  
**Confidence:** 95%

---

## Problem Statement

The backend lacked a database migration system to track schema changes over time. This caused:
- No version control for database schemas
- Difficult rollbacks on deployment failures  
- Risk of schema drift between environments
- No audit trail of schema changes
- Manual coordination required for schema updates

---

## Solution Implemented

Installed and configured **Alembic** - a lightweight, SQLAlchemy-native database migration tool.

### 1. Installation

```bash
pip install alembic
# Result: âœ… Alembic installed successfully
```

### 2. Initialization

```bash
cd swipesavvy-ai-agents
alembic init alembic
```

**Created Structure:**
```
alembic/
â”œâ”€â”€ versions/                           # Migration scripts directory
â”‚   â”œâ”€â”€ 20251230_135533_27dafa983136_initial_schema_migration.py  # Initial migration
â”‚   â””â”€â”€ .gitkeep                        # For git tracking
â”œâ”€â”€ env.py                              # Migration execution environment
â”œâ”€â”€ script.py.mako                      # Migration file template
â””â”€â”€ README.md                           # Alembic documentation
alembic.ini                             # Configuration file
```

### 3. Configuration

#### alembic.ini
```ini
[alembic]
script_location = %(here)s/alembic
file_template = %%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d%%(second).2d_%%(rev)s_%%(slug)s
prepend_sys_path = .

# Database URL (overridable via DATABASE_URL env var)
sqlalchemy.url = postgresql://postgres:postgres@localhost/swipesavvy_dev
```

**Key Features:**
- Timestamped migration files (YYYYMMDD_HHMMSS format)
- Automatic sys.path setup
- Environment variable override support

#### alembic/env.py
```python
from app.models import Base  # Import SQLAlchemy models
target_metadata = Base.metadata  # Enable auto-detection

# Override with DATABASE_URL environment variable
database_url = os.getenv(
    'DATABASE_URL',
    'postgresql://postgres:postgres@localhost/swipesavvy_dev'
)
config.set_main_option('sqlalchemy.url', database_url)
```

**Key Features:**
- Models imported from `app.models`
- Auto-migration detection enabled
- Environment variable support for database URL
- PostgreSQL-specific optimizations

### 4. Initial Migration

```bash
alembic revision --autogenerate -m "Initial schema migration"
# Result: Generated 20251230_135533_27dafa983136_initial_schema_migration.py
```

**Migration Applied:**
```bash
alembic upgrade head
# Result: âœ… Applied revision 27dafa983136
```

**Verification:**
```bash
alembic current
# Result: 27dafa983136 (head)
```

---

## Files Created/Modified

### New Files
1. **alembic/env.py** (56 lines)
   - SQLAlchemy model imports
   - Database URL configuration
   - Connection pooling setup

2. **alembic/versions/20251230_135533_27dafa983136_initial_schema_migration.py**
   - Initial schema capture
   - Empty upgrade/downgrade (no schema changes needed)
   - Revision tracking

3. **MIGRATIONS_GUIDE.md** (Comprehensive)
   - Project structure overview
   - Common task examples
   - Best practices
   - Troubleshooting guide
   - Team collaboration guidelines
   - CI/CD integration examples

4. **alembic.ini** (Modified)
   - Timestamped file template
   - PostgreSQL configuration
   - Database URL with environment override

5. **README.md** (Updated)
   - Added link to MIGRATIONS_GUIDE.md

---

## Verification

### 1. Alembic Installation âœ…
```bash
$ python -c "import alembic; print(alembic.__version__)"
Result: âœ… Installed (version available)
```

### 2. Migration Created âœ…
```bash
$ ls -la alembic/versions/
Result: âœ… 20251230_135533_27dafa983136_initial_schema_migration.py exists
```

### 3. Migration Applied âœ…
```bash
$ alembic current
Result: 27dafa983136 (head) âœ…
```

### 4. Configuration Valid âœ…
- alembic.ini has correct sqlalchemy.url
- env.py imports Base from app.models
- Database URL environment override works

### 5. No Syntax Errors âœ…
```bash
$ python alembic/env.py
Result: âœ… No import errors
```

---

## Usage Guide

### For Developers

**Create a new migration after model changes:**
```bash
# Edit your model in app/models.py
# Then:
alembic revision --autogenerate -m "Add email_verified column to users"
```

**Apply pending migrations:**
```bash
alembic upgrade head
```

**Rollback if needed:**
```bash
alembic downgrade -1
```

**Check history:**
```bash
alembic history --verbose
```

### For Operations

**Pre-deployment:**
```bash
# Test migrations on staging
alembic upgrade head

# Verify schema matches production
```

**During deployment:**
```bash
# In CI/CD pipeline
alembic upgrade head
```

**Emergency rollback:**
```bash
alembic downgrade -1
```

### For DevOps

**Set database URL from environment:**
```bash
export DATABASE_URL="postgresql://user:password@prod-db/swipesavvy_prod"
alembic upgrade head  # Uses environment variable
```

---

## Benefits

âœ… **Version Control:** All schema changes tracked in Git  
âœ… **Rollback Safe:** Easy downgrade to previous schema version  
âœ… **Team Collaboration:** All migrations reviewed in PR process  
âœ… **Environment Parity:** Same migrations applied to dev/staging/prod  
âœ… **Audit Trail:** Complete history of schema evolution  
âœ… **Auto-Detection:** Changes detected from SQLAlchemy models  
âœ… **Zero Downtime:** Supports online migrations in future  
âœ… **CI/CD Ready:** `alembic upgrade head` in deployment scripts  

---

## Integration with Existing Systems

### Database Connection
- Uses same `DATABASE_URL` as FastAPI backend
- Leverages existing PostgreSQL 14 setup
- Compatible with connection pooling

### SQLAlchemy Models
- Imports `Base` from `app.models`
- Detects changes in all mapped classes
- Supports relationships, indexes, constraints

### Environment Configuration
- Reads `DATABASE_URL` for database connection
- Falls back to `postgresql://postgres:postgres@localhost/swipesavvy_dev`
- Works with `.env` file in deployment

### CI/CD Pipeline Integration
```bash
# Add to deployment scripts
alembic upgrade head
```

---

## Next Steps (Optional Enhancements)

1. **Data Migrations:** Add seed scripts for initial data
2. **Offline Migrations:** Generate SQL for manual execution
3. **Testing:** Add integration tests for migrations
4. **Documentation:** Update deployment runbooks with migration steps

---

## Success Criteria Met

| Criterion | Status | Details |
|-----------|--------|---------|
| Alembic installed | âœ… | Version available, importable |
| Configuration complete | âœ… | env.py and alembic.ini configured |
| Initial migration created | âœ… | 27dafa983136 timestamp-based |
| Migration applied | âœ… | `alembic current` shows head |
| Documentation provided | âœ… | MIGRATIONS_GUIDE.md comprehensive |
| No errors | âœ… | All commands successful |
| Environment variables work | âœ… | DATABASE_URL override tested |

---

## Code Quality Impact

- **Before:** No migration system, manual schema coordination
- **After:** Production-ready Alembic with full automation
- **Confidence Increase:** +4 points (88 â†’ 92 estimated)

---

## References

- [Alembic Documentation](https://alembic.sqlalchemy.org/)
- [SQLAlchemy ORM Guide](https://docs.sqlalchemy.org/en/20/orm/)
- [Database Migrations Guide](MIGRATIONS_GUIDE.md) (Local)
- [Deployment Runbook](../DEPLOYMENT_RUNBOOK.md) (for integration)

---

## Testing Commands

```bash
# Verify installation
python -c "import alembic; print('Alembic OK')"

# Check current migration status
alembic current

# View all migrations
alembic history --verbose

# Test upgrade/downgrade cycle
alembic downgrade -1
alembic upgrade head

# Review migration file content
cat alembic/versions/20251230_135533_27dafa983136_initial_schema_migration.py
```

---

## Deployment Checklist

- [ ] Alembic installed in requirements.txt: `pip install alembic`
- [ ] alembic/ directory committed to Git (except __pycache__)
- [ ] alembic/versions/ migrations committed
- [ ] DATABASE_URL environment variable set in deployment
- [ ] Pre-deployment test: `alembic upgrade head` on staging
- [ ] Post-deployment verification: `alembic current` confirms revision
- [ ] Rollback procedure documented: `alembic downgrade -1`
- [ ] Team trained on `alembic revision --autogenerate -m "desc"`

---

**Completed:** 2025-12-30 13:55:33  
**Issue #12 Resolution:** COMPLETE âœ…  
**System Status:** Production-Ready ðŸš€  $text$, 'books', 7.00, 'EUR', 'great', 'Utrecht', '{"https://img.example/kl-70074-1.jpg","https://img.example/kl-70074-2.jpg"}', '{"alembic","report"}', '{"pages": 12}', true, '2025-10-30 09:14:00+00', '2025-11-04 08:22:00+00', '2025-11-10 20:26:00+00', '2025-11-10 20:26:00+00'),
    ('5eed0001-0000-4000-8000-000000000003', 'kleinmarkt', 'kl-70111', 'https://kleinmarkt.example/i/kl-70111', 'Database Migrations Guide — ring-bound, with diagrams', $text$# Database Migrations Guide

## Overview

This project uses **Alembic** as the single source of truth for database schema management. All schema changes (tables, indexes, constraints) must be done through Alembic migrations.

## Architecture

### Migration Flow

```
┌─────────────────┐
│   Postgres DB   │
│   (Healthy)     │
└────────┬────────┘
         │
         ▼
┌─────────────────────────┐
│   db_migrations         │
│   (Runs migrations)     │
│   - Waits for DB        │
│   - Runs alembic upgrade│
│   - Exits on completion │
└────────┬────────────────┘
         │ (Success)
         ▼
┌─────────────────────────┐
│   web_dashboard_backend │
│   (Starts application)  │
│   - No table creation   │
│   - Pure business logic │
└─────────────────────────┘
```

### Key Components

1. **Alembic Configuration** (`alembic.ini`)
   - Main configuration file for Alembic
   - Database URL is read from environment variable

2. **Migration Environment** (`alembic/env.py`)
   - Configures Alembic to use SQLAlchemy models
   - Imports all models for autogenerate support

3. **Migration Scripts** (`alembic/versions/`)
   - Contains all migration files
   - `001_initial_schema.py` - Initial database schema

4. **Migration Runner** (`run_migrations.py`)
   - Standalone script to run migrations
   - Waits for database to be ready
   - Executes `alembic upgrade head`

5. **Migration Container** (`Dockerfile.migrations`)
   - Dedicated container for running migrations
   - Runs before application containers

## Usage

### Running Migrations in Docker

Migrations run automatically when you start the services:

```bash
docker-compose up
```

The `db_migrations` service will:
1. Wait for PostgreSQL to be healthy
2. Run all pending migrations
3. Exit successfully
4. Allow backend service to start

### Creating New Migrations

When you modify SQLAlchemy models, create a new migration:

```bash
# Navigate to backend directory
cd web_portal/backend

# Generate migration (with autogenerate)
alembic revision --autogenerate -m "description of changes"

# Or create empty migration
alembic revision -m "description of changes"
```

### Manual Migration Commands

```bash
# View migration history
alembic history

# View current version
alembic current

# Upgrade to latest
alembic upgrade head

# Upgrade to specific version
alembic upgrade <revision>

# Downgrade one version
alembic downgrade -1

# Downgrade to specific version
alembic downgrade <revision>

# View SQL without executing
alembic upgrade head --sql
```

## Important Rules

### ✅ DO:
- Use Alembic for ALL schema changes
- Create migrations for:
  - New tables
  - Column additions/modifications
  - Index changes
  - Constraint changes
  - Data type changes
- Test migrations locally before deploying
- Review autogenerated migrations carefully

### ❌ DON'T:
- Don't use `Base.metadata.create_all()` in application code
- Don't use `init.sql` for schema management
- Don't modify database schema directly
- Don't skip migration testing
- Don't delete migration files

## Migration Best Practices

1. **Descriptive Names**
   ```bash
   alembic revision -m "add_user_profile_table"
   alembic revision -m "add_email_index_to_users"
   ```

2. **Review Autogenerated Migrations**
   - Alembic might not detect all changes
   - Always review generated migration files
   - Add custom logic if needed

3. **Test Migrations**
   ```bash
   # Test upgrade
   alembic upgrade head

   # Test downgrade
   alembic downgrade -1

   # Test upgrade again
   alembic upgrade head
   ```

4. **Data Migrations**
   When you need to migrate data along with schema:
   ```python
   def upgrade():
       # Schema change
       op.add_column('users', sa.Column('status', sa.String(20)))

       # Data migration
       connection = op.get_bind()
       connection.execute(
           text("UPDATE users SET status = 'active' WHERE status IS NULL")
       )
   ```

## Troubleshooting

### Migration Container Keeps Restarting

Check migration logs:
```bash
docker-compose logs db_migrations
```

Common issues:
- Database not ready (check postgres health)
- Migration syntax errors
- Database connection issues

### Migrations Not Running

1. Verify migration service in docker-compose.yml
2. Check database connection string
3. Ensure backend service depends on migrations:
   ```yaml
   depends_on:
     db_migrations:
       condition: service_completed_successfully
   ```

### Conflict with Existing Tables

If tables already exist:

**Option 1: Stamp database** (for existing deployments)
```bash
# Mark database as at specific revision without running migrations
alembic stamp head
```

**Option 2: Fresh start** (for development)
```bash
# Drop all tables and re-run migrations
docker-compose down -v
docker-compose up
```

### Migration Failed Midway

```bash
# Check current version
alembic current

# If stuck, manually fix and mark as complete
alembic stamp <revision>

# Or rollback
alembic downgrade <previous_revision>
```

## Environment Variables

The migration system uses these environment variables:

```bash
DATABASE_URL=postgresql+psycopg2://user:password@host:port/database
```

Set in docker-compose.yml:
```yaml
environment:
  - DATABASE_URL=postgresql+psycopg2://airflow:airflow@postgres:5432/airflow
```

## File Structure

```
web_portal/backend/
├── alembic/                    # Alembic directory
│   ├── versions/              # Migration scripts
│   │   └── 001_initial_schema.py
│   ├── env.py                 # Alembic environment
│   ├── script.py.mako         # Template for new migrations
│   └── README                 # Alembic readme
├── alembic.ini                # Alembic configuration
├── run_migrations.py          # Migration runner script
├── Dockerfile.migrations      # Migration container Dockerfile
└── app/
    └── models/               # SQLAlchemy models (source of truth)
```

## Example Workflow

### Adding a New Column

1. **Update Model** (`app/models/user.py`)
   ```python
   class User(Base):
       __tablename__ = "users"
       # ... existing columns ...
       phone = Column(String(20), nullable=True)  # New column
   ```

2. **Generate Migration**
   ```bash
   alembic revision --autogenerate -m "add_phone_to_users"
   ```

3. **Review Migration** (`alembic/versions/xxx_add_phone_to_users.py`)
   ```python
   def upgrade():
       op.add_column('users', sa.Column('phone', sa.String(20), nullable=True))

   def downgrade():
       op.drop_column('users', 'phone')
   ```

4. **Test Locally**
   ```bash
   alembic upgrade head
   alembic downgrade -1
   alembic upgrade head
   ```

5. **Deploy**
   ```bash
   docker-compose build db_migrations
   docker-compose up
   ```

## Migration Service Configuration

In `docker-compose.yml`:

```yaml
db_migrations:
  build:
    context: ./web_portal/backend
    dockerfile: Dockerfile.migrations
  container_name: db_migrations
  environment:
    - DATABASE_URL=postgresql+psycopg2://airflow:airflow@postgres:5432/airflow
  networks:
    - live_net
    - uat_net
  depends_on:
    postgres:
      condition: service_healthy
  restart: on-failure
```

## Monitoring Migrations

View migration status:
```bash
# Check if migrations ran
docker-compose logs db_migrations

# Check current database version
docker-compose exec web_dashboard_backend_live alembic current

# View migration history
docker-compose exec web_dashboard_backend_live alembic history
```

## Additional Resources

- [Alembic Documentation](https://alembic.sqlalchemy.org/)
- [SQLAlchemy Documentation](https://www.sqlalchemy.org/)
- [Docker Compose Documentation](https://docs.docker.com/compose/)$text$, 'books', 12.00, 'EUR', 'great', 'Lyon', '{"https://img.example/kl-70111-1.jpg","https://img.example/kl-70111-2.jpg","https://img.example/kl-70111-3.jpg"}', '{"alembic","docker"}', '{"pages": 18, "binding": "ring"}', true, '2025-10-29 10:21:00+00', '2025-11-05 08:33:00+00', '2025-11-08 20:39:00+00', '2025-11-08 20:39:00+00'),
    ('5eed0001-0000-4000-8000-000000000004', 'flohmarkt', 'fl-70148', 'https://flohmarkt.example/i/fl-70148', 'üéØ What Was Fixed: course notes, 2nd edition', $text$‚úÖ **Robust environment variable handling** ‚Äî Reads from multiple sources
‚úÖ **Proper model registration** ‚Äî All SQLAlchemy tables visible
‚úÖ **Graceful error handling** ‚Äî Retry loop in entrypoint
‚úÖ **Cross-platform compatibility** ‚Äî Windows, macOS, Linux
‚úÖ **Idempotent migrations** ‚Äî Safe to run multiple times
‚úÖ **Verified database connectivity** ‚Äî /health endpoint confirms DB + Redis$text$, 'books', 4.00, 'GBP', 'fair', 'Leeds', '{}', '{"course"}', '{}', true, '2025-10-28 11:28:00+00', '2025-11-06 08:44:00+00', '2025-11-09 20:52:00+00', '2025-11-09 20:52:00+00'),
    ('5eed0001-0000-4000-8000-000000000005', 'kleinmarkt', 'kl-70185', 'https://kleinmarkt.example/i/kl-70185', 'Poster “Migration Flow”, A2, box drawing', $text$┌─────────────────┐
│   Postgres DB   │
│   (Healthy)     │
└────────┬────────┘
         │
         ▼
┌─────────────────────────┐
│   db_migrations         │
│   (Runs migrations)     │
│   - Waits for DB        │
│   - Runs alembic upgrade│
│   - Exits on completion │
└────────┬────────────────┘
         │ (Success)
         ▼
┌─────────────────────────┐
│   web_dashboard_backend │
│   (Starts application)  │
│   - No table creation   │
│   - Pure business logic │
└─────────────────────────┘$text$, 'home', 15.00, 'EUR', 'excellent', 'Lyon', '{"https://img.example/kl-70185-1.jpg"}', '{"poster"}', '{"size_cm": [42, 59.4]}', true, '2025-10-27 12:35:00+00', '2025-11-02 08:55:00+00', '2025-11-10 20:05:00+00', '2025-11-10 20:05:00+00'),
    ('5eed0001-0000-4000-8000-000000000006', 'kleinmarkt', 'kl-70222', 'https://kleinmarkt.example/i/kl-70222', E'Poster â€œCreated Structureâ€\u009d, A3', $text$alembic/
â”œâ”€â”€ versions/                           # Migration scripts directory
â”‚   â”œâ”€â”€ 20251230_135533_27dafa983136_initial_schema_migration.py  # Initial migration
â”‚   â””â”€â”€ .gitkeep                        # For git tracking
â”œâ”€â”€ env.py                              # Migration execution environment
â”œâ”€â”€ script.py.mako                      # Migration file template
â””â”€â”€ README.md                           # Alembic documentation
alembic.ini                             # Configuration file$text$, 'home', 11.00, 'EUR', 'great', 'Utrecht', '{"https://img.example/kl-70222-1.jpg","https://img.example/kl-70222-2.jpg"}', '{"poster"}', '{"size_cm": [29.7, 42]}', true, '2025-10-26 13:42:00+00', '2025-11-03 08:06:00+00', '2025-11-08 20:18:00+00', '2025-11-08 20:18:00+00'),
    ('5eed0001-0000-4000-8000-000000000007', 'kleinmarkt', 'kl-70259', 'https://kleinmarkt.example/i/kl-70259', 'Poster Ã¢â‚¬Å¾File StructureÃ¢â‚¬Å“, A3', E'web_portal/backend/\nÃ¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ alembic/                    # Alembic directory\nÃ¢â€\u009dâ€š   Ã¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ versions/              # Migration scripts\nÃ¢â€\u009dâ€š   Ã¢â€\u009dâ€š   Ã¢â€\u009dâ€\u009dÃ¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ 001_initial_schema.py\nÃ¢â€\u009dâ€š   Ã¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ env.py                 # Alembic environment\nÃ¢â€\u009dâ€š   Ã¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ script.py.mako         # Template for new migrations\nÃ¢â€\u009dâ€š   Ã¢â€\u009dâ€\u009dÃ¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ README                 # Alembic readme\nÃ¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ alembic.ini                # Alembic configuration\nÃ¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ run_migrations.py          # Migration runner script\nÃ¢â€\u009dÅ“Ã¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ Dockerfile.migrations      # Migration container Dockerfile\nÃ¢â€\u009dâ€\u009dÃ¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ app/\n    Ã¢â€\u009dâ€\u009dÃ¢â€\u009dâ‚¬Ã¢â€\u009dâ‚¬ models/               # SQLAlchemy models (source of truth)', 'home', 11.00, 'EUR', 'great', 'Graz', '{"https://img.example/kl-70259-1.jpg","https://img.example/kl-70259-2.jpg","https://img.example/kl-70259-3.jpg"}', '{"poster"}', '{"size_cm": [29.7, 42]}', true, '2025-10-25 14:49:00+00', '2025-11-04 08:17:00+00', '2025-11-09 20:31:00+00', '2025-11-09 20:31:00+00'),
    ('5eed0001-0000-4000-8000-000000000008', 'kleinmarkt', 'kl-70296', 'https://kleinmarkt.example/i/kl-70296', 'Checklist pad ‚Äö√∫√ñ‚Äö√π√• DO and DON‚Äö√Ñ√¥T, 50 sheets', $text$### ‚Äö√∫√ñ DO:
- Use Alembic for ALL schema changes
- Create migrations for:
  - New tables
  - Column additions/modifications
  - Index changes
  - Constraint changes
  - Data type changes
- Test migrations locally before deploying
- Review autogenerated migrations carefully

### ‚Äö√π√• DON'T:
- Don't use `Base.metadata.create_all()` in application code
- Don't use `init.sql` for schema management
- Don't modify database schema directly
- Don't skip migration testing
- Don't delete migration files$text$, 'office', 6.50, 'EUR', 'excellent', 'Lyon', '{}', '{"stationery"}', '{"sheets": 50}', true, '2025-10-24 15:56:00+00', '2025-11-05 08:28:00+00', '2025-11-10 20:44:00+00', '2025-11-10 20:44:00+00'),
    ('5eed0001-0000-4000-8000-000000000009', 'kleinmarkt', 'kl-70333', 'https://kleinmarkt.example/i/kl-70333', E'Checklist pad â€œSuccess Criteria Metâ€\u009d', $text$| Criterion | Status | Details |
|-----------|--------|---------|
| Alembic installed | âœ… | Version available, importable |
| Configuration complete | âœ… | env.py and alembic.ini configured |
| Initial migration created | âœ… | 27dafa983136 timestamp-based |
| Migration applied | âœ… | `alembic current` shows head |
| Documentation provided | âœ… | MIGRATIONS_GUIDE.md comprehensive |
| No errors | âœ… | All commands successful |
| Environment variables work | âœ… | DATABASE_URL override tested |$text$, 'office', 6.50, 'EUR', 'excellent', 'Utrecht', '{"https://img.example/kl-70333-1.jpg"}', '{"stationery"}', '{"sheets": 50}', true, '2025-11-01 16:03:00+00', '2025-11-06 08:39:00+00', '2025-11-08 20:57:00+00', '2025-11-08 20:57:00+00'),
    ('5eed0001-0000-4000-8000-00000000000a', 'flohmarkt', 'fl-70370', 'https://flohmarkt.example/i/fl-70370', 'Sticker set: üß™ üìä üîß üöÄ ‚ö†Ô∏è üéì üìù', $text$## üß™ Validation Results
## üìä Files Modified
## üîß How It Works
## üöÄ Testing the Fix
## ‚ö†Ô∏è Known Considerations
## üéì Next Steps
## üìù Summary$text$, 'office', 3.00, 'GBP', 'excellent', 'Leeds', '{"https://img.example/fl-70370-1.jpg","https://img.example/fl-70370-2.jpg"}', '{"stickers"}', '{"count": 7}', true, '2025-10-31 17:10:00+00', '2025-11-02 08:50:00+00', '2025-11-09 20:10:00+00', '2025-11-09 20:10:00+00'),
    ('5eed0001-0000-4000-8000-00000000000b', 'flohmarkt', 'fl-70407', 'https://flohmarkt.example/i/fl-70407', E'Sticker set: ï£¿Ã¼ÃŸâ„¢ ï£¿Ã¼Ã¬Ã¤ ï£¿Ã¼Ã®ÃŸ ï£¿Ã¼Ã¶Ã„ â€šÃ¶â€\u00a0Ã”âˆ\u008fÃ¨ ï£¿Ã¼Ã©Ã¬ ï£¿Ã¼Ã¬Ã¹ (second lot)', $text$## √∞≈∏¬ß¬™ Validation Results
## √∞≈∏‚Äú≈† Files Modified
## √¢≈°¬†√Ø¬∏¬è Known Considerations$text$, 'office', 3.00, 'GBP', 'excellent', 'Leeds', '{"https://img.example/fl-70407-1.jpg","https://img.example/fl-70407-2.jpg","https://img.example/fl-70407-3.jpg"}', '{"stickers"}', '{"count": 7}', true, '2025-10-30 18:17:00+00', '2025-11-03 08:01:00+00', '2025-11-10 20:23:00+00', '2025-11-10 20:23:00+00'),
    ('5eed0001-0000-4000-8000-00000000000c', 'kleinmarkt', 'kl-70444', 'https://kleinmarkt.example/i/kl-70444', E'Mug â€œSystem Status: Production-Ready ðŸš€â€\u009d', $text$**System Status:** Production-Ready ðŸš€
**Issue #12 Resolution:** COMPLETE âœ…
- **Confidence Increase:** +4 points (88 â†’ 92 estimated)$text$, 'home', 8.00, 'EUR', 'great', 'Utrecht', '{}', '{"mug"}', '{"volume_ml": 330}', true, '2025-10-29 07:24:00+00', '2025-11-04 08:12:00+00', '2025-11-08 20:36:00+00', '2025-11-08 20:36:00+00'),
    ('5eed0001-0000-4000-8000-00000000000d', 'kleinmarkt', 'kl-70481', 'https://kleinmarkt.example/i/kl-70481', E'T-shirt, Ã¢â‚¬Å“Ã¢Å“â€¦ Zero DowntimeÃ¢â‚¬Â\u009d, size L', $text$âœ… **Version Control:** All schema changes tracked in Git
âœ… **Rollback Safe:** Easy downgrade to previous schema version
âœ… **Zero Downtime:** Supports online migrations in future
âœ… **CI/CD Ready:** `alembic upgrade head` in deployment scripts$text$, 'clothing', 12.00, 'EUR', 'good', 'Utrecht', '{"https://img.example/kl-70481-1.jpg"}', '{"t-shirt"}', '{"size": "L"}', true, '2025-10-28 08:31:00+00', '2025-11-05 08:23:00+00', '2025-11-09 20:49:00+00', '2025-11-09 20:49:00+00'),
    ('5eed0001-0000-4000-8000-00000000000e', 'flohmarkt', 'fl-70518', 'https://flohmarkt.example/i/fl-70518', 'T-shirt, ‚ÄúStartup Sequence ‚úÖ‚Äù, size M', $text$‚Äö√∫√¨ DB reachable on attempt 1                          ‚Äö√∫√ñ Python socket check works
[entrypoint] DB reachability check complete.
[entrypoint]
[entrypoint] Running database migrations...
[entrypoint] Alembic attempt 1/6 (delay: 2s)...
[entrypoint] ‚Äö√∫√¨ Migrations applied successfully.      ‚Äö√∫√ñ Alembic ran without errors$text$, 'clothing', 12.00, 'GBP', 'good', 'Leeds', '{"https://img.example/fl-70518-1.jpg","https://img.example/fl-70518-2.jpg"}', '{"t-shirt"}', '{"size": "M"}', true, '2025-10-27 09:38:00+00', '2025-11-06 08:34:00+00', '2025-11-10 20:02:00+00', '2025-11-10 20:02:00+00'),
    ('5eed0001-0000-4000-8000-00000000000f', 'kleinmarkt', 'kl-70555', 'https://kleinmarkt.example/i/kl-70555', 'CafÃ© table, Ã˜ 60 cm, cast iron base', E'A few scratches on the top â€” otherwise â€œlike newâ€\u009d. Ã˜ 60 cm, height 72 cm. Pick-up onlyâ€¦', 'furniture', 85.00, 'EUR', 'good', 'Paris', '{"https://img.example/kl-70555-1.jpg","https://img.example/kl-70555-2.jpg","https://img.example/kl-70555-3.jpg"}', '{"table","café"}', '{"diameter_cm": 60}', true, '2025-10-26 10:45:00+00', '2025-11-02 08:45:00+00', '2025-11-08 20:15:00+00', '2025-11-08 20:15:00+00'),
    ('5eed0001-0000-4000-8000-000000000010', 'kleinmarkt', 'kl-70592', 'https://kleinmarkt.example/i/kl-70592', 'CrÃ¨me brÃ»lÃ©e dishes, set of six', 'Porcelain from Limoges, never used. Dishwasher-safe; oven up to 250 Â°C.', 'kitchen', 18.00, 'EUR', 'excellent', 'Limoges', '{}', '{"dishes"}', '{"count": 6}', true, '2025-10-25 11:52:00+00', '2025-11-03 08:56:00+00', '2025-11-09 20:28:00+00', '2025-11-09 20:28:00+00'),
    ('5eed0001-0000-4000-8000-000000000011', 'kleinmarkt', 'kl-70629', 'https://kleinmarkt.example/i/kl-70629', 'Fauteuil Voltaire, tissu dÃ¢â‚¬â„¢origine', E'LÃ¢â‚¬â„¢ÃƒÂ©tÃƒÂ© dernier retapissÃƒÂ© ÃƒÂ\u00a0 neuf Ã¢â‚¬â€\u009d bois cirÃƒÂ©, trÃƒÂ¨s bon ÃƒÂ©tat. Visible ÃƒÂ\u00a0 OrlÃƒÂ©ans, 2Ã¡Âµâ€° ÃƒÂ©tage.', 'furniture', 140.00, 'EUR', 'great', 'Orléans', '{"https://img.example/kl-70629-1.jpg"}', '{"fauteuil"}', '{"style": "Voltaire"}', true, '2025-10-24 12:59:00+00', '2025-11-04 08:07:00+00', '2025-11-10 20:41:00+00', '2025-11-10 20:41:00+00'),
    ('5eed0001-0000-4000-8000-000000000012', 'kleinmarkt', 'kl-70666', 'https://kleinmarkt.example/i/kl-70666', 'SchÃ¶ner KÃ¼chentisch aus Eiche, 90 Ã— 200 cm', 'Leichte Gebrauchsspuren. MaÃŸe: 90 Ã— 200 Ã— 76 cm, Preis VB 120 â‚¬. Abholung in KÃ¶ln-MÃ¼lheim.', 'furniture', 120.00, 'EUR', 'good', 'Köln', '{"https://img.example/kl-70666-1.jpg","https://img.example/kl-70666-2.jpg"}', '{"tisch","eiche"}', '{"width_cm": 90, "length_cm": 200}', true, '2025-11-01 13:06:00+00', '2025-11-05 08:18:00+00', '2025-11-08 20:54:00+00', '2025-11-08 20:54:00+00'),
    ('5eed0001-0000-4000-8000-000000000013', 'kleinmarkt', 'kl-70703', 'https://kleinmarkt.example/i/kl-70703', 'W√∂rterbuch Deutsch‚ÄìT√ºrk√ße, 3. Auflage', 'Gr√∂√üere Ausgabe mit ≈ûehir- und Stra√üenverzeichnis, gebunden. ‚ÄûFast wie neu‚Äú.', 'books', 9.00, 'EUR', 'great', 'Berlin', '{"https://img.example/kl-70703-1.jpg","https://img.example/kl-70703-2.jpg","https://img.example/kl-70703-3.jpg"}', '{"wörterbuch"}', '{"isbn": "3-468-02000-1"}', true, '2025-10-31 14:13:00+00', '2025-11-06 08:29:00+00', '2025-11-09 20:07:00+00', '2025-11-09 20:07:00+00'),
    ('5eed0001-0000-4000-8000-000000000014', 'kleinmarkt', 'kl-70740', 'https://kleinmarkt.example/i/kl-70740', 'Paellera de 46 cm, para 10 ni√±os hambrientos', 'Acero pulido; con dos asas. ¬øPreguntas? ¬°Escr√≠beme! Env√≠o 6 ‚Ç¨.', 'kitchen', 22.00, 'EUR', 'good', 'València', '{}', '{"paella"}', '{"diameter_cm": 46}', true, '2025-10-30 15:20:00+00', '2025-11-02 08:40:00+00', '2025-11-10 20:20:00+00', '2025-11-10 20:20:00+00'),
    ('5eed0001-0000-4000-8000-000000000015', 'kleinmarkt', 'kl-70777', 'https://kleinmarkt.example/i/kl-70777', 'Conjunto de ch‚àö¬∞, porcelana Vista Alegre', 'N‚àö¬£o falta nada: bule, a‚àö√üucareiro e seis ch‚àö¬∞venas. Cora‚àö√ü‚àö¬£o pintado ‚àö‚Ä† m‚àö¬£o.', 'kitchen', 60.00, 'EUR', 'great', 'Porto', '{"https://img.example/kl-70777-1.jpg"}', '{"chá"}', '{"pieces": 15}', true, '2025-10-29 16:27:00+00', '2025-11-03 08:51:00+00', '2025-11-08 20:33:00+00', '2025-11-08 20:33:00+00'),
    ('5eed0001-0000-4000-8000-000000000016', 'kleinmarkt', 'kl-70814', 'https://kleinmarkt.example/i/kl-70814', 'RÃ¸de NT1 microphone â€“ studio kit', 'Comes with shock mount and pop filter. Noise floor 4 dBA, Â±0.5 dB. Ships from TromsÃ¸ ðŸ“¦', 'audio', 139.00, 'EUR', 'great', 'Tromsø', '{"https://img.example/kl-70814-1.jpg","https://img.example/kl-70814-2.jpg"}', '{"microphone"}', '{"brand": "Røde"}', true, '2025-10-28 17:34:00+00', '2025-11-04 08:02:00+00', '2025-11-09 20:46:00+00', '2025-11-09 20:46:00+00'),
    ('5eed0001-0000-4000-8000-000000000017', 'kleinmarkt', 'kl-70851', 'https://kleinmarkt.example/i/kl-70851', 'LegoÂ® Technic 42100, complete, Â½ price', 'All 4108 pieces, instructions and box. Â£ or â‚¬ accepted. No PayPalâ„¢.', 'toys', 260.00, 'EUR', 'great', 'Århus', '{"https://img.example/kl-70851-1.jpg","https://img.example/kl-70851-2.jpg","https://img.example/kl-70851-3.jpg"}', '{"lego"}', '{"set": 42100}', true, '2025-10-27 18:41:00+00', '2025-11-05 08:13:00+00', '2025-11-10 20:59:00+00', '2025-11-10 20:59:00+00'),
    ('5eed0001-0000-4000-8000-000000000018', 'kleinmarkt', 'kl-70888', 'https://kleinmarkt.example/i/kl-70888', 'â‰ˆÂªubrâˆšâ‰¥wka glasses âˆšÃ³4 â€šÃ„Ã¬ Krakâˆšâ‰¥w', 'Cztery kieliszki, stan bardzo dobry. â‰ˆÃ…âˆšâ‰¥dâ‰ˆâˆ« albo wysyâ‰ˆÃ‡ka 15 zâ‰ˆÃ‡.', 'kitchen', 14.00, 'EUR', 'good', 'Kraków', '{}', '{"szkło"}', '{"count": 4}', true, '2025-10-26 07:48:00+00', '2025-11-06 08:24:00+00', '2025-11-08 20:12:00+00', '2025-11-08 20:12:00+00'),
    ('5eed0001-0000-4000-8000-000000000019', 'kleinmarkt', 'kl-70925', 'https://kleinmarkt.example/i/kl-70925', E'æ—¥æœ¬ã\u0081®æ€¥é\u00a0ˆ â€” Tokoname teapot', E'å¸¸æ»‘ç„¼ã\u0081®æ€¥é\u00a0ˆã\u0081§ã\u0081™ã€‚æœªä½¿ç”¨ã€‚ Capacity 300 ml.', 'kitchen', 48.00, 'EUR', 'excellent', 'Düsseldorf', '{"https://img.example/kl-70925-1.jpg"}', '{"teapot"}', '{"volume_ml": 300}', true, '2025-10-25 08:55:00+00', '2025-11-02 08:35:00+00', '2025-11-09 20:25:00+00', '2025-11-09 20:25:00+00'),
    ('5eed0001-0000-4000-8000-00000000001a', 'kleinmarkt', 'kl-70962', 'https://kleinmarkt.example/i/kl-70962', E'Ð¡Ð°Ð¼Ð¾Ð²Ð°Ñ€ Ñ‚ÑƒÐ»ÑŒÑ\u0081ÐºÐ¸Ð¹, 5 Ð»', E'Ð\u00a0Ð°Ð±Ð¾Ñ‡Ð¸Ð¹, Ð»Ð°Ñ‚ÑƒÐ½ÑŒ. Ð¡Ð°Ð¼Ð¾Ð²Ñ‹Ð²Ð¾Ð· Ð¸Ð»Ð¸ Ð¿Ð¾Ñ‡Ñ‚Ð¾Ð¹.', 'kitchen', 95.00, 'EUR', 'fair', 'Rīga', '{"https://img.example/kl-70962-1.jpg","https://img.example/kl-70962-2.jpg"}', '{"samovar"}', '{"volume_l": 5}', true, '2025-10-24 09:02:00+00', '2025-11-03 08:46:00+00', '2025-11-10 20:38:00+00', '2025-11-10 20:38:00+00'),
    ('5eed0001-0000-4000-8000-00000000001b', 'kleinmarkt', 'kl-70999', 'https://kleinmarkt.example/i/kl-70999', 'ŒïŒªŒªŒ∑ŒΩŒπŒ∫œåœÇ Œ∫Œ±œÜŒ≠œÇ ‚Äì briki, 6 cups', 'ŒßŒ¨ŒªŒ∫ŒπŒΩŒø ŒºœÄœÅŒØŒ∫Œπ, œÉœáŒµŒ¥œåŒΩ Œ∫Œ±ŒπŒΩŒøœçœÅŒ≥ŒπŒø.', 'kitchen', 12.00, 'EUR', 'good', 'Αθήνα', '{"https://img.example/kl-70999-1.jpg","https://img.example/kl-70999-2.jpg","https://img.example/kl-70999-3.jpg"}', '{"briki"}', '{"cups": 6}', true, '2025-11-01 10:09:00+00', '2025-11-04 08:57:00+00', '2025-11-08 20:51:00+00', '2025-11-08 20:51:00+00'),
    ('5eed0001-0000-4000-8000-00000000001c', 'kleinmarkt', 'kl-71036', 'https://kleinmarkt.example/i/kl-71036', 'Vintage √¢‚Ç¨≈ìOlympetti√¢‚Ç¨¬ù typewriter √¢≈í¬®√Ø¬∏¬è, QWERTZ', 'Serviced in 2024: new ribbon, all keys work √¢‚Ä†‚Äô ready to type. √¢≈ì‚Äú case √¢≈ì‚Äú manual', 'office', 110.00, 'EUR', 'great', 'Wien', '{}', '{"typewriter"}', '{"layout": "QWERTZ"}', true, '2025-10-31 11:16:00+00', '2025-11-05 08:08:00+00', '2025-11-09 20:04:00+00', '2025-11-09 20:04:00+00'),
    ('5eed0001-0000-4000-8000-00000000001d', 'kleinmarkt', 'kl-71073', 'https://kleinmarkt.example/i/kl-71073', 'FjÃ¤llrÃ¤ven KÃ¥nken, 16 l', E'Inte anvÃ¤nd mycket. FÃ¤rg: â€œOchreâ€\u009d. KÃ¶paren betalar frakt â€“ 59 kr.', 'bags', 35.00, 'EUR', 'great', 'Malmö', '{"https://img.example/kl-71073-1.jpg"}', '{"rucksack"}', '{"colour": "ochre"}', true, '2025-10-30 12:23:00+00', '2025-11-06 08:19:00+00', '2025-11-10 20:17:00+00', '2025-11-10 20:17:00+00'),
    ('5eed0001-0000-4000-8000-00000000001e', 'flohmarkt', 'fl-71110', 'https://flohmarkt.example/i/fl-71110', 'Pi√±ata llama ü¶ô, handmade', 'Fill it yourself. 40 √ó 35 cm‚Ä¶ üéâ', 'toys', 16.00, 'GBP', 'excellent', 'Bristol', '{"https://img.example/fl-71110-1.jpg","https://img.example/fl-71110-2.jpg"}', '{"party"}', '{"height_cm": 40}', true, '2025-10-29 13:30:00+00', '2025-11-02 08:30:00+00', '2025-11-08 20:30:00+00', '2025-11-08 20:30:00+00'),
    ('5eed0001-0000-4000-8000-00000000001f', 'kleinmarkt', 'kl-71147', 'https://kleinmarkt.example/i/kl-71147', '★ Neu ★ Lampe â€žJugendstilâ€œ, Messing', $text$Verkäufer seit 2019 · geprüft ✔
---
HÃ¶he 42 cm, E27, Kabel erneuert â€“ siehe Foto.$text$, 'home', 55.00, 'EUR', 'good', 'Graz', '{"https://img.example/kl-71147-1.jpg","https://img.example/kl-71147-2.jpg","https://img.example/kl-71147-3.jpg"}', '{"lampe"}', '{"height_cm": 42}', true, '2025-10-28 14:37:00+00', '2025-11-03 08:41:00+00', '2025-11-09 20:43:00+00', '2025-11-09 20:43:00+00'),
    ('5eed0001-0000-4000-8000-000000000020', 'flohmarkt', 'fl-71184', 'https://flohmarkt.example/i/fl-71184', 'Café racer seat, brown leather', $text$Fits most frames — “plug & play”.
Stitched by hand in S√£o Paulo; na√Øve pattern, 48 √ó 24 cm.$text$, 'vehicles', 70.00, 'GBP', 'great', 'Bristol', '{}', '{"motorcycle"}', '{"length_cm": 48}', true, '2025-10-27 15:44:00+00', '2025-11-04 08:52:00+00', '2025-11-10 20:56:00+00', '2025-11-10 20:56:00+00'),
    ('5eed0001-0000-4000-8000-000000000021', 'kleinmarkt', 'kl-71221', 'https://kleinmarkt.example/i/kl-71221', 'Bücherpaket: 12 Krimis', $text$Zustand: gut bis sehr gut.
Abholung in ZÃƒÂ¼rich, ÃƒÅ“bergabe auch am Bahnhof mÃƒÂ¶glich.$text$, 'books', 10.00, 'CHF', 'fair', 'Zürich', '{"https://img.example/kl-71221-1.jpg"}', '{"krimi"}', '{"count": 12}', true, '2025-10-26 16:51:00+00', '2025-11-05 08:03:00+00', '2025-11-08 20:09:00+00', '2025-11-08 20:09:00+00'),
    ('5eed0001-0000-4000-8000-000000000022', 'kleinmarkt', 'kl-71258', 'https://kleinmarkt.example/i/kl-71258', E'Garmin GPS, 5Â\u00a0km used', E'PrixÂ\u00a0: 45Â\u00a0â‚¬, port compris. VoilÃ\u00a0Â\u00a0!', 'electronics', 45.00, 'EUR', 'great', 'Nantes', '{"https://img.example/kl-71258-1.jpg","https://img.example/kl-71258-2.jpg"}', '{"gps"}', '{}', true, '2025-10-25 17:58:00+00', '2025-11-06 08:14:00+00', '2025-11-09 20:22:00+00', '2025-11-09 20:22:00+00'),
    ('5eed0001-0000-4000-8000-000000000023', 'kleinmarkt', 'kl-71295', 'https://kleinmarkt.example/i/kl-71295', E'Ã\u0081ngel de la guarda, Ã\u008dÃ±igo Ã\u009dmir print â€“ â€œsignedâ€\u009d', E'Autograph Ã¢â‚¬Å“ÃƒÂ\u008d. ÃƒÂ\u009dmirÃ¢â‚¬Â\u009d in the corner Ã¢Â\u009dÂ\u009dsee pictureÃ¢Â\u009dÅ¾. ÃƒÂ\u008f, ÃƒÂ\u0090 and ÃƒÂ\u0081 in the frame.', 'art', 75.00, 'EUR', 'excellent', 'Sevilla', '{"https://img.example/kl-71295-1.jpg","https://img.example/kl-71295-2.jpg","https://img.example/kl-71295-3.jpg"}', '{"print"}', '{"signed": true}', true, '2025-10-24 18:05:00+00', '2025-11-02 08:25:00+00', '2025-11-10 20:35:00+00', '2025-11-10 20:35:00+00'),
    ('5eed0001-0000-4000-8000-000000000024', 'kleinmarkt', 'kl-71332', 'https://kleinmarkt.example/i/kl-71332', 'Ã la carte menu holder, brass', 'Sold as the label spells it: Ã with a plain space behind. Not our typo.', 'kitchen', 7.00, 'EUR', 'good', 'Lisboa', '{}', '{"menu"}', '{}', true, '2025-11-01 07:12:00+00', '2025-11-03 08:36:00+00', '2025-11-08 20:48:00+00', '2025-11-08 20:48:00+00'),
    ('5eed0001-0000-4000-8000-000000000025', 'kleinmarkt', 'kl-71369', 'https://kleinmarkt.example/i/kl-71369', 'LÃ merino, 500 g, “cor de pão”', 'Novelos de lã natural. Entrega AMANHÃ… ou quando quiser. SÃO JOÃO à vista!', 'crafts', 19.00, 'EUR', 'excellent', 'Covilhã', '{"https://img.example/kl-71369-1.jpg"}', '{"lã"}', '{"weight_g": 500}', true, '2025-10-31 08:19:00+00', '2025-11-04 08:47:00+00', '2025-11-09 20:01:00+00', '2025-11-09 20:01:00+00'),
    ('5eed0001-0000-4000-8000-000000000026', 'flohmarkt', 'fl-71406', 'https://flohmarkt.example/i/fl-71406', '“CAFÉ” sign, enamel, 1950s', '“CAFÉ”, «CAFÉ», CAFÉ… and CAFÉ™: four signs, £10–£20 each. He said “Touché…” and sold.', 'signs', 20.00, 'GBP', 'fair', 'Marseille', '{"https://img.example/fl-71406-1.jpg","https://img.example/fl-71406-2.jpg"}', '{"enamel"}', '{"count": 4}', true, '2025-10-30 09:26:00+00', '2025-11-05 08:58:00+00', '2025-11-10 20:14:00+00', '2025-11-10 20:14:00+00'),
    ('5eed0001-0000-4000-8000-000000000027', 'flohmarkt', 'fl-71443', 'https://flohmarkt.example/i/fl-71443', 'Maths posters: √π, ∑, ≈£20 each', '√2 ≈ 1.41, x ≤ y, 5×£4, 2×½ = 1, Δ and Ω. “être” ou ne pas être — l’été, d’Été.', 'art', 20.00, 'GBP', 'great', 'Bristol', '{"https://img.example/fl-71443-1.jpg","https://img.example/fl-71443-2.jpg","https://img.example/fl-71443-3.jpg"}', '{"maths"}', '{"count": 3}', true, '2025-10-29 10:33:00+00', '2025-11-06 08:09:00+00', '2025-11-08 20:27:00+00', '2025-11-08 20:27:00+00'),
    ('5eed0001-0000-4000-8000-000000000028', 'kleinmarkt', 'kl-71480', 'https://kleinmarkt.example/i/kl-71480', 'Naïve art: “Ünïcödé”, acrylic, ½ m²', '€5 a corner; smörgåsbord of colours. Ça va? Größe 70 × 70 cm – “signed”.', 'art', 90.00, 'CHF', 'great', 'Zürich', '{}', '{"art"}', '{"area_m2": 0.5}', true, '2025-10-28 11:40:00+00', '2025-11-02 08:20:00+00', '2025-11-09 20:40:00+00', '2025-11-09 20:40:00+00'),
    ('5eed0001-0000-4000-8000-000000000029', 'kleinmarkt', 'kl-71517', 'https://kleinmarkt.example/i/kl-71517', 'Terminal ╔═══╗ neon sign ║ ► ║', $text$╔══════╗
║ OPEN ║ 24/7 ✅
╚══════╝$text$, 'signs', 130.00, 'EUR', 'great', 'Berlin', '{"https://img.example/kl-71517-1.jpg"}', '{"neon"}', '{"volts": 12}', true, '2025-10-27 12:47:00+00', '2025-11-03 08:31:00+00', '2025-11-10 20:53:00+00', '2025-11-10 20:53:00+00'),
    ('5eed0001-0000-4000-8000-00000000002a', 'kleinmarkt', 'kl-71554', 'https://kleinmarkt.example/i/kl-71554', 'Emoji cushions 😀 👩‍🚀 🇳🇱 👍🏽', '😀 30 cm · 👩‍🚀 40 cm · 🇳🇱 30 cm · 👍🏽 25 cm', 'home', 24.00, 'EUR', 'excellent', 'Utrecht', '{"https://img.example/kl-71554-1.jpg","https://img.example/kl-71554-2.jpg"}', '{"cushion"}', '{"count": 4}', true, '2025-10-26 13:54:00+00', '2025-11-04 08:42:00+00', '2025-11-08 20:06:00+00', '2025-11-08 20:06:00+00'),
    ('5eed0001-0000-4000-8000-00000000002b', 'kleinmarkt', 'kl-71591', 'https://kleinmarkt.example/i/kl-71591', 'HYVÄ… ei kun loistava: Arabia-kuppi', '“HYVÄ” kunto, pieni särö. ÄÄNI PÄÄLLÄ – radio mukaan.', 'kitchen', 26.00, 'EUR', 'fair', 'Oulu', '{"https://img.example/kl-71591-1.jpg","https://img.example/kl-71591-2.jpg","https://img.example/kl-71591-3.jpg"}', '{"arabia"}', '{}', true, '2025-10-25 14:01:00+00', '2025-11-05 08:53:00+00', '2025-11-09 20:19:00+00', '2025-11-09 20:19:00+00'),
    ('5eed0001-0000-4000-8000-00000000002c', 'kleinmarkt', 'kl-71628', 'https://kleinmarkt.example/i/kl-71628', 'Bicycle, 54 cm frame', NULL, 'vehicles', 180.00, 'EUR', 'fair', 'Utrecht', '{}', '{"bicycle"}', '{"frame_cm": 54}', true, '2025-10-24 15:08:00+00', '2025-11-06 08:04:00+00', '2025-11-10 20:32:00+00', '2025-11-10 20:32:00+00'),
    ('5eed0001-0000-4000-8000-00000000002d', 'flohmarkt', 'fl-71665', 'https://flohmarkt.example/i/fl-71665', 'Garden chairs, 4 pieces', NULL, 'garden', 40.00, 'GBP', 'poor', 'Leeds', '{"https://img.example/fl-71665-1.jpg"}', '{"chairs"}', '{"count": 4}', false, '2025-11-01 16:15:00+00', '2025-11-02 08:15:00+00', '2025-11-08 20:45:00+00', '2025-11-08 20:45:00+00'),
    ('5eed0001-0000-4000-8000-00000000002e', 'kleinmarkt', 'kl-71702', 'https://kleinmarkt.example/i/kl-71702', 'Plant pots â€“ terracotta', NULL, 'garden', 9.00, 'EUR', 'fair', 'Orléans', '{"https://img.example/kl-71702-1.jpg","https://img.example/kl-71702-2.jpg"}', '{"pots"}', '{"count": 9}', true, '2025-10-31 17:22:00+00', '2025-11-03 08:26:00+00', '2025-11-09 20:58:00+00', '2025-11-09 20:58:00+00'),
    ('5eed0001-0000-4000-8000-00000000002f', 'kleinmarkt', 'kl-71739', 'https://kleinmarkt.example/i/kl-71739', 'Kindersitz, 9–18 kg', NULL, 'vehicles', 35.00, 'EUR', NULL, 'Köln', '{"https://img.example/kl-71739-1.jpg","https://img.example/kl-71739-2.jpg","https://img.example/kl-71739-3.jpg"}', '{"kindersitz"}', '{}', false, '2025-10-30 18:29:00+00', '2025-11-04 08:37:00+00', '2025-11-10 20:11:00+00', '2025-11-10 20:11:00+00'),
    ('5eed0001-0000-4000-8000-000000000030', 'flohmarkt', 'fl-71776', 'https://flohmarkt.example/i/fl-71776', 'Box of cables', 'USB, HDMI, one SCART. As is.', 'electronics', 5.00, 'GBP', 'poor', 'Bristol', '{}', '{"cables"}', '{}', true, '2025-10-29 07:36:00+00', '2025-11-05 08:48:00+00', '2025-11-08 20:24:00+00', '2025-11-08 20:24:00+00');

INSERT INTO public.listing_scores
    (listing_id, score, estimated_value, margin, confidence, reasons, features, model, scored_at)
VALUES
    ('5eed0001-0000-4000-8000-000000000001', 37, 10.16, -0.10, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 1}', 'gauge-7', '2025-11-10 06:03:00+00'),
    ('5eed0001-0000-4000-8000-000000000002', 74, 10.08, 2.52, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 2}', 'gauge-7', '2025-11-10 06:06:00+00'),
    ('5eed0001-0000-4000-8000-000000000003', 10, 9.60, -3.36, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 3}', 'gauge-7', '2025-11-10 06:09:00+00'),
    ('5eed0001-0000-4000-8000-000000000004', 47, 4.68, 0.36, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 0}', 'gauge-7', '2025-11-10 06:12:00+00'),
    ('5eed0001-0000-4000-8000-000000000005', 84, 23.10, 6.90, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 1}', 'gauge-7', '2025-11-10 06:15:00+00'),
    ('5eed0001-0000-4000-8000-000000000006', 20, 9.90, -1.98, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 2}', 'gauge-7', '2025-11-10 06:18:00+00'),
    ('5eed0001-0000-4000-8000-000000000007', 57, 13.97, 2.09, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 3}', 'gauge-7', '2025-11-10 06:21:00+00'),
    ('5eed0001-0000-4000-8000-000000000009', 30, 6.50, -0.52, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 1}', 'gauge-7', '2025-11-10 06:27:00+00'),
    ('5eed0001-0000-4000-8000-00000000000a', 67, 4.11, 0.87, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 2}', 'gauge-7', '2025-11-10 06:30:00+00'),
    ('5eed0001-0000-4000-8000-00000000000b', 3, 2.19, -1.05, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 3}', 'gauge-7', '2025-11-10 06:33:00+00'),
    ('5eed0001-0000-4000-8000-00000000000c', 40, 8.80, 0.16, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 0}', 'gauge-7', '2025-11-10 06:36:00+00'),
    ('5eed0001-0000-4000-8000-00000000000d', 77, 17.64, 4.68, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 1}', 'gauge-7', '2025-11-10 06:39:00+00'),
    ('5eed0001-0000-4000-8000-00000000000e', 13, 9.96, -3.00, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 2}', 'gauge-7', '2025-11-10 06:42:00+00'),
    ('5eed0001-0000-4000-8000-00000000000f', 50, 102.00, 10.20, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 3}', 'gauge-7', '2025-11-10 06:45:00+00'),
    ('5eed0001-0000-4000-8000-000000000011', 23, 130.20, -21.00, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 1}', 'gauge-7', '2025-11-10 06:51:00+00'),
    ('5eed0001-0000-4000-8000-000000000012', 60, 156.00, 26.40, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 2}', 'gauge-7', '2025-11-10 06:54:00+00'),
    ('5eed0001-0000-4000-8000-000000000013', 97, 15.03, 5.31, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 3}', 'gauge-7', '2025-11-10 06:57:00+00'),
    ('5eed0001-0000-4000-8000-000000000014', 33, 22.66, -1.10, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 0}', 'gauge-7', '2025-11-10 06:00:00+00'),
    ('5eed0001-0000-4000-8000-000000000015', 70, 84.00, 19.20, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 1}', 'gauge-7', '2025-11-10 06:03:00+00'),
    ('5eed0001-0000-4000-8000-000000000016', 6, 105.64, -44.48, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 2}', 'gauge-7', '2025-11-10 06:06:00+00'),
    ('5eed0001-0000-4000-8000-000000000017', 43, 293.80, 13.00, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 3}', 'gauge-7', '2025-11-10 06:09:00+00'),
    ('5eed0001-0000-4000-8000-000000000019', 16, 41.28, -10.56, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 1}', 'gauge-7', '2025-11-10 06:15:00+00'),
    ('5eed0001-0000-4000-8000-00000000001a', 53, 116.85, 14.25, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 2}', 'gauge-7', '2025-11-10 06:18:00+00'),
    ('5eed0001-0000-4000-8000-00000000001b', 90, 19.20, 6.24, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 3}', 'gauge-7', '2025-11-10 06:21:00+00'),
    ('5eed0001-0000-4000-8000-00000000001c', 26, 105.60, -13.20, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 0}', 'gauge-7', '2025-11-10 06:24:00+00'),
    ('5eed0001-0000-4000-8000-00000000001d', 63, 46.55, 8.75, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 1}', 'gauge-7', '2025-11-10 06:27:00+00'),
    ('5eed0001-0000-4000-8000-00000000001e', 100, 27.20, 9.92, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 2}', 'gauge-7', '2025-11-10 06:30:00+00'),
    ('5eed0001-0000-4000-8000-00000000001f', 36, 58.30, -1.10, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 3}', 'gauge-7', '2025-11-10 06:33:00+00'),
    ('5eed0001-0000-4000-8000-000000000021', 9, 7.90, -2.90, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 1}', 'gauge-7', '2025-11-10 06:39:00+00'),
    ('5eed0001-0000-4000-8000-000000000022', 46, 52.20, 3.60, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 2}', 'gauge-7', '2025-11-10 06:42:00+00'),
    ('5eed0001-0000-4000-8000-000000000023', 83, 114.75, 33.75, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 3}', 'gauge-7', '2025-11-10 06:45:00+00'),
    ('5eed0001-0000-4000-8000-000000000024', 19, 6.23, -1.33, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 0}', 'gauge-7', '2025-11-10 06:48:00+00'),
    ('5eed0001-0000-4000-8000-000000000025', 56, 23.94, 3.42, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 1}', 'gauge-7', '2025-11-10 06:51:00+00'),
    ('5eed0001-0000-4000-8000-000000000026', 93, 32.60, 11.00, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 2}', 'gauge-7', '2025-11-10 06:54:00+00'),
    ('5eed0001-0000-4000-8000-000000000027', 29, 19.80, -1.80, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 3}', 'gauge-7', '2025-11-10 06:57:00+00'),
    ('5eed0001-0000-4000-8000-000000000029', 2, 93.60, -46.80, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 1}', 'gauge-7', '2025-11-10 06:03:00+00'),
    ('5eed0001-0000-4000-8000-00000000002a', 39, 26.16, 0.24, 0.4, '{"below the median of comparable sales","condition better than comparable sales"}', '{"comps": 1, "photos": 2}', 'gauge-7', '2025-11-10 06:06:00+00'),
    ('5eed0001-0000-4000-8000-00000000002b', 76, 37.96, 9.88, 0.5, '{"seller is new","many comparable sales"}', '{"comps": 2, "photos": 3}', 'gauge-7', '2025-11-10 06:09:00+00'),
    ('5eed0001-0000-4000-8000-00000000002c', 12, 147.60, -46.80, 0.6, '{"condition better than comparable sales","rare: few comparable sales"}', '{"comps": 3, "photos": 0}', 'gauge-7', '2025-11-10 06:12:00+00'),
    ('5eed0001-0000-4000-8000-00000000002d', 49, 47.60, 4.40, 0.7, '{"many comparable sales","price fell twice"}', '{"comps": 1, "photos": 1}', 'gauge-7', '2025-11-10 06:15:00+00'),
    ('5eed0001-0000-4000-8000-00000000002e', 86, 14.04, 4.32, 0.8, '{"rare: few comparable sales","below the median of comparable sales"}', '{"comps": 2, "photos": 2}', 'gauge-7', '2025-11-10 06:18:00+00'),
    ('5eed0001-0000-4000-8000-00000000002f', 22, 32.20, -5.60, 0.9, '{"price fell twice","seller is new"}', '{"comps": 3, "photos": 3}', 'gauge-7', '2025-11-10 06:21:00+00');

INSERT INTO public.comps
    (id, listing_id, marketplace, url, title, sold_price, currency, condition, sold_at, similarity)
VALUES
    ('5eed0002-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-000000000001', 'flohmarkt', 'https://flohmarkt.example/sold/91001', '✅ Alembic Configuration & Database Migration Fix — printed report', 8.27, 'GBP', 'fair', '2025-09-04', 0.64),
    ('5eed0002-0000-4000-8000-000000000002', '5eed0001-0000-4000-8000-000000000001', 'auktion', 'https://auktion.example/sold/91002', '✅ Alembic Configuration & Database Migration Fix — printed report', 8.93, 'GBP', 'good', '2025-10-07', 0.73),
    ('5eed0002-0000-4000-8000-000000000003', '5eed0001-0000-4000-8000-000000000002', 'kleinmarkt', 'https://kleinmarkt.example/sold/91003', 'Issue #12: Database Migrations (Alembic) - COMPLETED ✅', 7.07, 'EUR', 'great', '2025-08-10', 0.82),
    ('5eed0002-0000-4000-8000-000000000004', '5eed0001-0000-4000-8000-000000000002', 'flohmarkt', 'https://flohmarkt.example/sold/91004', 'Issue #12: Database Migrations (Alembic) - COMPLETED ✅', 7.56, 'EUR', 'excellent', '2025-09-13', 0.91),
    ('5eed0002-0000-4000-8000-000000000005', '5eed0001-0000-4000-8000-000000000002', 'auktion', NULL, 'Issue #12: Database Migrations (Alembic) - COMPLETED ✅', 8.05, 'EUR', 'poor', '2025-10-16', 0.55),
    ('5eed0002-0000-4000-8000-000000000006', '5eed0001-0000-4000-8000-000000000003', 'kleinmarkt', 'https://kleinmarkt.example/sold/91006', 'Database Migrations Guide — ring-bound, with diagrams', 14.64, 'EUR', NULL, '2025-08-19', 0.64),
    ('5eed0002-0000-4000-8000-000000000007', '5eed0001-0000-4000-8000-000000000004', 'flohmarkt', 'https://flohmarkt.example/sold/91007', '🎯 What Was Fixed: course notes, 2nd edition', 5.16, 'GBP', 'good', '2025-09-22', 0.73),
    ('5eed0002-0000-4000-8000-000000000008', '5eed0001-0000-4000-8000-000000000004', 'auktion', 'https://auktion.example/sold/91008', '🎯 What Was Fixed: course notes, 2nd edition', 3.44, 'GBP', 'great', '2025-10-25', 0.82),
    ('5eed0002-0000-4000-8000-000000000009', '5eed0001-0000-4000-8000-000000000005', 'kleinmarkt', 'https://kleinmarkt.example/sold/91009', 'Poster “Migration Flow”, A2, box drawing', 13.95, 'EUR', 'excellent', '2025-08-01', 0.91),
    ('5eed0002-0000-4000-8000-00000000000a', '5eed0001-0000-4000-8000-000000000005', 'flohmarkt', NULL, 'Poster “Migration Flow”, A2, box drawing', 15.00, 'EUR', 'poor', '2025-09-04', 0.55),
    ('5eed0002-0000-4000-8000-00000000000b', '5eed0001-0000-4000-8000-000000000005', 'auktion', 'https://auktion.example/sold/91011', 'Poster “Migration Flow”, A2, box drawing', 16.05, 'EUR', 'fair', '2025-10-07', 0.64),
    ('5eed0002-0000-4000-8000-00000000000c', '5eed0001-0000-4000-8000-000000000006', 'kleinmarkt', 'https://kleinmarkt.example/sold/91012', 'Poster “Created Structure”, A3', 12.54, 'EUR', NULL, '2025-08-10', 0.73),
    ('5eed0002-0000-4000-8000-00000000000d', '5eed0001-0000-4000-8000-000000000007', 'flohmarkt', 'https://flohmarkt.example/sold/91013', 'Poster „File Structure“, A3', 13.31, 'EUR', 'great', '2025-09-13', 0.82),
    ('5eed0002-0000-4000-8000-00000000000e', '5eed0001-0000-4000-8000-000000000007', 'auktion', 'https://auktion.example/sold/91014', 'Poster „File Structure“, A3', 14.08, 'EUR', 'excellent', '2025-10-16', 0.91),
    ('5eed0002-0000-4000-8000-00000000000f', '5eed0001-0000-4000-8000-000000000009', 'kleinmarkt', NULL, 'Checklist pad “Success Criteria Met”', 5.53, 'EUR', 'poor', '2025-08-19', 0.55),
    ('5eed0002-0000-4000-8000-000000000010', '5eed0001-0000-4000-8000-00000000000a', 'flohmarkt', 'https://flohmarkt.example/sold/91016', 'Sticker set: 🧪 📊 🔧 🚀 ⚠️ 🎓 📝', 2.76, 'GBP', 'fair', '2025-09-22', 0.64),
    ('5eed0002-0000-4000-8000-000000000011', '5eed0001-0000-4000-8000-00000000000a', 'auktion', 'https://auktion.example/sold/91017', 'Sticker set: 🧪 📊 🔧 🚀 ⚠️ 🎓 📝', 2.97, 'GBP', 'good', '2025-10-25', 0.73),
    ('5eed0002-0000-4000-8000-000000000012', '5eed0001-0000-4000-8000-00000000000b', 'kleinmarkt', 'https://kleinmarkt.example/sold/91018', 'Sticker set: 🧪 📊 🔧 🚀 ⚠️ 🎓 📝 (second lot)', 3.18, 'GBP', NULL, '2025-08-01', 0.82),
    ('5eed0002-0000-4000-8000-000000000013', '5eed0001-0000-4000-8000-00000000000b', 'flohmarkt', 'https://flohmarkt.example/sold/91019', 'Sticker set: 🧪 📊 🔧 🚀 ⚠️ 🎓 📝 (second lot)', 3.39, 'GBP', 'excellent', '2025-09-04', 0.91),
    ('5eed0002-0000-4000-8000-000000000014', '5eed0001-0000-4000-8000-00000000000b', 'auktion', NULL, 'Sticker set: 🧪 📊 🔧 🚀 ⚠️ 🎓 📝 (second lot)', 3.60, 'GBP', 'poor', '2025-10-07', 0.55),
    ('5eed0002-0000-4000-8000-000000000015', '5eed0001-0000-4000-8000-00000000000c', 'kleinmarkt', 'https://kleinmarkt.example/sold/91021', 'Mug “System Status: Production-Ready 🚀”', 10.16, 'EUR', 'fair', '2025-08-10', 0.64),
    ('5eed0002-0000-4000-8000-000000000016', '5eed0001-0000-4000-8000-00000000000d', 'flohmarkt', 'https://flohmarkt.example/sold/91022', 'T-shirt, “✅ Zero Downtime”, size L', 10.08, 'EUR', 'good', '2025-09-13', 0.73),
    ('5eed0002-0000-4000-8000-000000000017', '5eed0001-0000-4000-8000-00000000000d', 'auktion', 'https://auktion.example/sold/91023', 'T-shirt, “✅ Zero Downtime”, size L', 10.92, 'EUR', 'great', '2025-10-16', 0.82),
    ('5eed0002-0000-4000-8000-000000000018', '5eed0001-0000-4000-8000-00000000000e', 'kleinmarkt', 'https://kleinmarkt.example/sold/91024', 'T-shirt, “Startup Sequence ✅”, size M', 11.76, 'GBP', NULL, '2025-08-19', 0.91),
    ('5eed0002-0000-4000-8000-000000000019', '5eed0001-0000-4000-8000-00000000000e', 'flohmarkt', NULL, 'T-shirt, “Startup Sequence ✅”, size M', 12.60, 'GBP', 'poor', '2025-09-22', 0.55),
    ('5eed0002-0000-4000-8000-00000000001a', '5eed0001-0000-4000-8000-00000000000e', 'auktion', 'https://auktion.example/sold/91026', 'T-shirt, “Startup Sequence ✅”, size M', 13.44, 'GBP', 'fair', '2025-10-25', 0.64),
    ('5eed0002-0000-4000-8000-00000000001b', '5eed0001-0000-4000-8000-00000000000f', 'kleinmarkt', 'https://kleinmarkt.example/sold/91027', 'Café table, Ø 60 cm, cast iron base', 101.15, 'EUR', 'good', '2025-08-01', 0.73),
    ('5eed0002-0000-4000-8000-00000000001c', '5eed0001-0000-4000-8000-000000000011', 'flohmarkt', 'https://flohmarkt.example/sold/91028', 'Fauteuil Voltaire, tissu d’origine', 176.40, 'EUR', 'great', '2025-09-04', 0.82),
    ('5eed0002-0000-4000-8000-00000000001d', '5eed0001-0000-4000-8000-000000000011', 'auktion', 'https://auktion.example/sold/91029', 'Fauteuil Voltaire, tissu d’origine', 116.20, 'EUR', 'excellent', '2025-10-07', 0.91),
    ('5eed0002-0000-4000-8000-00000000001e', '5eed0001-0000-4000-8000-000000000011', 'kleinmarkt', NULL, 'Fauteuil Voltaire, tissu d’origine', 126.00, 'EUR', NULL, '2025-08-10', 0.55),
    ('5eed0002-0000-4000-8000-00000000001f', '5eed0001-0000-4000-8000-000000000012', 'flohmarkt', 'https://flohmarkt.example/sold/91031', 'Schöner Küchentisch aus Eiche, 90 × 200 cm', 116.40, 'EUR', 'fair', '2025-09-13', 0.64),
    ('5eed0002-0000-4000-8000-000000000020', '5eed0001-0000-4000-8000-000000000013', 'auktion', 'https://auktion.example/sold/91032', 'Wörterbuch Deutsch–Türkçe, 3. Auflage', 9.36, 'EUR', 'good', '2025-10-16', 0.73),
    ('5eed0002-0000-4000-8000-000000000021', '5eed0001-0000-4000-8000-000000000013', 'kleinmarkt', 'https://kleinmarkt.example/sold/91033', 'Wörterbuch Deutsch–Türkçe, 3. Auflage', 9.99, 'EUR', 'great', '2025-08-19', 0.82),
    ('5eed0002-0000-4000-8000-000000000022', '5eed0001-0000-4000-8000-000000000014', 'flohmarkt', 'https://flohmarkt.example/sold/91034', 'Paellera de 46 cm, para 10 niños hambrientos', 25.96, 'EUR', 'excellent', '2025-09-22', 0.91),
    ('5eed0002-0000-4000-8000-000000000023', '5eed0001-0000-4000-8000-000000000014', 'auktion', NULL, 'Paellera de 46 cm, para 10 niños hambrientos', 27.50, 'EUR', 'poor', '2025-10-25', 0.55),
    ('5eed0002-0000-4000-8000-000000000024', '5eed0001-0000-4000-8000-000000000014', 'kleinmarkt', 'https://kleinmarkt.example/sold/91036', 'Paellera de 46 cm, para 10 niños hambrientos', 18.04, 'EUR', NULL, '2025-08-01', 0.64),
    ('5eed0002-0000-4000-8000-000000000025', '5eed0001-0000-4000-8000-000000000015', 'flohmarkt', 'https://flohmarkt.example/sold/91037', 'Conjunto de chá, porcelana Vista Alegre', 53.40, 'EUR', 'good', '2025-09-04', 0.73),
    ('5eed0002-0000-4000-8000-000000000026', '5eed0001-0000-4000-8000-000000000016', 'auktion', 'https://auktion.example/sold/91038', 'Røde NT1 microphone – studio kit', 133.44, 'EUR', 'great', '2025-10-07', 0.82),
    ('5eed0002-0000-4000-8000-000000000027', '5eed0001-0000-4000-8000-000000000016', 'kleinmarkt', 'https://kleinmarkt.example/sold/91039', 'Røde NT1 microphone – studio kit', 143.17, 'EUR', 'excellent', '2025-08-10', 0.91),
    ('5eed0002-0000-4000-8000-000000000028', '5eed0001-0000-4000-8000-000000000017', 'flohmarkt', NULL, 'Lego® Technic 42100, complete, ½ price', 286.00, 'EUR', 'poor', '2025-09-13', 0.55);

INSERT INTO public.user_prefs
    (user_id, keywords, excluded_words, categories, min_condition, max_price, min_score, channels, quiet_hours, time_zone, created_at, updated_at)
VALUES
    ('5eed0003-0000-4000-8000-000000000001', '{"table","café","eiche"}', '{"defekt"}', '{"furniture","home"}', 'good', 200.00, 70, '{"email","push"}', '{"from": "22:00", "to": "07:30"}', 'Europe/Berlin', '2025-10-02 09:00:00+00', '2025-10-30 09:00:00+00'),
    ('5eed0003-0000-4000-8000-000000000002', '{"poster","print"}', '{}', '{"art","home"}', 'fair', NULL, 60, '{"email"}', NULL, 'Europe/Paris', '2025-10-04 09:00:00+00', '2025-10-04 09:00:00+00'),
    ('5eed0003-0000-4000-8000-000000000003', '{"lego","típico"}', '{"replica","copy"}', '{"toys"}', 'great', 300.00, 80, '{"push","sms"}', '{"from": "23:00", "to": "06:00"}', 'Europe/Madrid', '2025-10-07 09:00:00+00', '2025-10-28 09:00:00+00'),
    ('5eed0003-0000-4000-8000-000000000004', '{}', '{}', '{}', 'poor', 50.00, 50, '{"email"}', NULL, 'Europe/London', '2025-10-20 09:00:00+00', '2025-10-20 09:00:00+00'),
    ('5eed0003-0000-4000-8000-000000000005', '{"急須","teapot"}', '{}', '{"kitchen"}', 'good', 80.00, 75, '{"email","push","sms"}', NULL, 'Asia/Tokyo', '2025-10-29 09:00:00+00', '2025-10-29 09:00:00+00');

INSERT INTO public.notifications
    (id, user_id, listing_id, channel, status, payload, error, created_at, sent_at, read_at)
VALUES
    ('5eed0004-0000-4000-8000-000000000001', '5eed0003-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-00000000000f', 'push', 'read', '{"template": "deal-found", "score": 50}', NULL, '2025-11-10 07:01:00+00', '2025-11-10 07:02:00+00', '2025-11-10 12:01:00+00'),
    ('5eed0004-0000-4000-8000-000000000002', '5eed0003-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-000000000012', 'email', 'sent', '{"template": "deal-found", "score": 60}', NULL, '2025-11-10 07:02:00+00', '2025-11-10 07:03:00+00', NULL),
    ('5eed0004-0000-4000-8000-000000000003', '5eed0003-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-00000000001f', 'push', 'sent', '{"template": "deal-found", "score": 36}', NULL, '2025-11-10 07:03:00+00', '2025-11-10 07:04:00+00', NULL),
    ('5eed0004-0000-4000-8000-000000000004', '5eed0003-0000-4000-8000-000000000002', '5eed0001-0000-4000-8000-000000000005', 'email', 'read', '{"template": "deal-found", "score": 84}', NULL, '2025-11-10 07:04:00+00', '2025-11-10 07:05:00+00', '2025-11-10 12:04:00+00'),
    ('5eed0004-0000-4000-8000-000000000005', '5eed0003-0000-4000-8000-000000000002', '5eed0001-0000-4000-8000-000000000006', 'email', 'sent', '{"template": "deal-found", "score": 20}', NULL, '2025-11-10 07:05:00+00', '2025-11-10 07:06:00+00', NULL),
    ('5eed0004-0000-4000-8000-000000000006', '5eed0003-0000-4000-8000-000000000002', '5eed0001-0000-4000-8000-000000000023', 'email', 'failed', '{"template": "deal-found", "score": 83}', 'mailbox is full', '2025-11-10 07:06:00+00', NULL, NULL),
    ('5eed0004-0000-4000-8000-000000000007', '5eed0003-0000-4000-8000-000000000003', '5eed0001-0000-4000-8000-000000000017', 'push', 'read', '{"template": "deal-found", "score": 43}', NULL, '2025-11-10 07:07:00+00', '2025-11-10 07:08:00+00', '2025-11-10 12:07:00+00'),
    ('5eed0004-0000-4000-8000-000000000008', '5eed0003-0000-4000-8000-000000000003', '5eed0001-0000-4000-8000-00000000001e', 'sms', 'sent', '{"template": "deal-found", "score": 100}', NULL, '2025-11-10 07:08:00+00', '2025-11-10 07:09:00+00', NULL),
    ('5eed0004-0000-4000-8000-000000000009', '5eed0003-0000-4000-8000-000000000004', '5eed0001-0000-4000-8000-000000000028', 'email', 'queued', '{"template": "deal-found", "score": 66}', NULL, '2025-11-10 07:09:00+00', NULL, NULL),
    ('5eed0004-0000-4000-8000-00000000000a', '5eed0003-0000-4000-8000-000000000004', '5eed0001-0000-4000-8000-00000000002f', 'email', 'queued', '{"template": "deal-found", "score": 22}', NULL, '2025-11-10 07:10:00+00', NULL, NULL),
    ('5eed0004-0000-4000-8000-00000000000b', '5eed0003-0000-4000-8000-000000000005', '5eed0001-0000-4000-8000-000000000019', 'push', 'read', '{"template": "deal-found", "score": 16}', NULL, '2025-11-10 07:11:00+00', '2025-11-10 07:12:00+00', '2025-11-10 12:11:00+00'),
    ('5eed0004-0000-4000-8000-00000000000c', '5eed0003-0000-4000-8000-000000000005', '5eed0001-0000-4000-8000-000000000019', 'email', 'sent', '{"template": "deal-found", "score": 16}', NULL, '2025-11-10 07:12:00+00', '2025-11-10 07:13:00+00', NULL),
    ('5eed0004-0000-4000-8000-00000000000d', '5eed0003-0000-4000-8000-000000000005', '5eed0001-0000-4000-8000-00000000001a', 'sms', 'failed', '{"template": "deal-found", "score": 53}', 'number not in service', '2025-11-10 07:13:00+00', NULL, NULL);

INSERT INTO public.my_items
    (id, user_id, source_listing_id, sku, title, description, condition, cost, asking_price, currency, status, image_urls, attributes, created_at, updated_at)
VALUES
    ('5eed0005-0000-4000-8000-000000000001', '5eed0003-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-00000000000f', 'S-1001', 'Café table, Ø 60 cm, repainted', 'Sanded and repainted in black.', 'great', 85.00, 129.00, 'EUR', 'listed', '{"https://img.example/my-1.jpg"}', '{"weight_kg": 0.5}', '2025-11-10 10:01:00+00', '2025-11-11 10:01:00+00'),
    ('5eed0005-0000-4000-8000-000000000002', '5eed0003-0000-4000-8000-000000000001', '5eed0001-0000-4000-8000-000000000012', 'S-1002', 'Oak kitchen table – 90 × 200 cm', 'Oiled twice.', 'great', 120.00, 210.00, 'EUR', 'sold', '{"https://img.example/my-2.jpg"}', '{"weight_kg": 1.0}', '2025-11-10 10:02:00+00', '2025-11-11 10:02:00+00'),
    ('5eed0005-0000-4000-8000-000000000003', '5eed0003-0000-4000-8000-000000000002', '5eed0001-0000-4000-8000-000000000005', 'S-1003', 'Framed poster “Migration Flow”', 'Framed in oak.', 'excellent', 15.00, 39.00, 'EUR', 'sold', '{"https://img.example/my-3.jpg"}', '{"weight_kg": 1.5}', '2025-11-10 10:03:00+00', '2025-11-11 10:03:00+00'),
    ('5eed0005-0000-4000-8000-000000000004', '5eed0003-0000-4000-8000-000000000002', NULL, NULL, 'Linocut “Hafen”, 30 × 40 cm', NULL, 'good', NULL, 45.00, 'EUR', 'draft', '{"https://img.example/my-4.jpg"}', '{"weight_kg": 2.0}', '2025-11-10 10:04:00+00', '2025-11-11 10:04:00+00'),
    ('5eed0005-0000-4000-8000-000000000005', '5eed0003-0000-4000-8000-000000000003', '5eed0001-0000-4000-8000-000000000017', 'S-1005', 'LEGO Technic 42100, complete', 'Counted twice.', 'great', 260.00, 340.00, 'EUR', 'listed', '{"https://img.example/my-5.jpg"}', '{"weight_kg": 2.5}', '2025-11-10 10:05:00+00', '2025-11-11 10:05:00+00'),
    ('5eed0005-0000-4000-8000-000000000006', '5eed0003-0000-4000-8000-000000000003', NULL, 'S-1006', 'Duplo, 3 kg', 'Washed. Some teeth marks…', 'fair', 20.00, 35.00, 'EUR', 'reserved', '{"https://img.example/my-6.jpg"}', '{"weight_kg": 3.0}', '2025-11-10 10:06:00+00', '2025-11-11 10:06:00+00'),
    ('5eed0005-0000-4000-8000-000000000007', '5eed0003-0000-4000-8000-000000000004', '5eed0001-0000-4000-8000-00000000002f', 'S-1007', 'Box of cables, sorted', 'With labels.', 'fair', 5.00, 14.00, 'EUR', 'sold', '{"https://img.example/my-7.jpg"}', '{"weight_kg": 3.5}', '2025-11-10 10:07:00+00', '2025-11-11 10:07:00+00'),
    ('5eed0005-0000-4000-8000-000000000008', '5eed0003-0000-4000-8000-000000000005', '5eed0001-0000-4000-8000-000000000019', NULL, 'Tokoname kyūsu 急須', 'Unused.', 'excellent', 48.00, 75.00, 'EUR', 'listed', '{"https://img.example/my-8.jpg"}', '{"weight_kg": 4.0}', '2025-11-10 10:08:00+00', '2025-11-11 10:08:00+00'),
    ('5eed0005-0000-4000-8000-000000000009', '5eed0003-0000-4000-8000-000000000005', NULL, 'S-1009', 'Matcha whisk', '', 'excellent', 6.00, 12.00, 'EUR', 'withdrawn', '{"https://img.example/my-9.jpg"}', '{"weight_kg": 4.5}', '2025-11-10 10:09:00+00', '2025-11-11 10:09:00+00');

INSERT INTO public.snap_jobs
    (id, user_id, item_id, photo_urls, status, attempts, suggestion, error, created_at, started_at, finished_at, updated_at)
VALUES
    ('5eed0006-0000-4000-8000-000000000001', '5eed0003-0000-4000-8000-000000000001', '5eed0005-0000-4000-8000-000000000001', '{"https://img.example/snap-1-1.jpg","https://img.example/snap-1-2.jpg"}', 'done', 1, '{"title": "Café table, Ø 60 cm, repainted", "condition": "great", "price": 129}', NULL, '2025-11-10 09:01:00+00', '2025-11-10 09:02:00+00', '2025-11-10 09:04:00+00', '2025-11-10 09:04:00+00'),
    ('5eed0006-0000-4000-8000-000000000002', '5eed0003-0000-4000-8000-000000000001', '5eed0005-0000-4000-8000-000000000002', '{"https://img.example/snap-2-1.jpg","https://img.example/snap-2-2.jpg","https://img.example/snap-2-3.jpg"}', 'done', 1, '{"title": "Oak kitchen table – 90 × 200 cm", "condition": "great", "price": 210}', NULL, '2025-11-10 09:02:00+00', '2025-11-10 09:03:00+00', '2025-11-10 09:05:00+00', '2025-11-10 09:05:00+00'),
    ('5eed0006-0000-4000-8000-000000000003', '5eed0003-0000-4000-8000-000000000002', '5eed0005-0000-4000-8000-000000000003', '{"https://img.example/snap-3-1.jpg"}', 'done', 1, '{"title": "Framed poster “Migration Flow”", "condition": "excellent", "price": 39}', NULL, '2025-11-10 09:03:00+00', '2025-11-10 09:04:00+00', '2025-11-10 09:06:00+00', '2025-11-10 09:06:00+00'),
    ('5eed0006-0000-4000-8000-000000000004', '5eed0003-0000-4000-8000-000000000003', '5eed0005-0000-4000-8000-000000000006', '{"https://img.example/snap-4-1.jpg","https://img.example/snap-4-2.jpg"}', 'done', 1, '{"title": "Duplo, 3 kg", "condition": "fair", "price": 35}', NULL, '2025-11-10 09:04:00+00', '2025-11-10 09:05:00+00', '2025-11-10 09:07:00+00', '2025-11-10 09:07:00+00'),
    ('5eed0006-0000-4000-8000-000000000005', '5eed0003-0000-4000-8000-000000000004', NULL, '{"https://img.example/snap-5-1.jpg","https://img.example/snap-5-2.jpg","https://img.example/snap-5-3.jpg"}', 'failed', 3, NULL, 'no thing recognised on any photograph', '2025-11-10 09:05:00+00', '2025-11-10 09:06:00+00', '2025-11-10 09:08:00+00', '2025-11-10 09:08:00+00'),
    ('5eed0006-0000-4000-8000-000000000006', '5eed0003-0000-4000-8000-000000000005', NULL, '{"https://img.example/snap-6-1.jpg"}', 'running', 1, NULL, NULL, '2025-11-10 09:06:00+00', '2025-11-10 09:07:00+00', NULL, '2025-11-10 09:09:00+00'),
    ('5eed0006-0000-4000-8000-000000000007', '5eed0003-0000-4000-8000-000000000005', NULL, '{"https://img.example/snap-7-1.jpg","https://img.example/snap-7-2.jpg"}', 'queued', 0, NULL, NULL, '2025-11-10 09:07:00+00', NULL, NULL, '2025-11-10 09:10:00+00');

INSERT INTO public.marketplace_accounts
    (id, user_id, marketplace, account_name, credential_ref, scopes, settings, is_active, token_expires_at, created_at, updated_at)
VALUES
    ('5eed0007-0000-4000-8000-000000000001', '5eed0003-0000-4000-8000-000000000001', 'kleinmarkt', 'tischlerin_köln', 'vault:marketplace/kleinmarkt/1', '{"post","orders"}', '{"auto_relist": false}', true, '2025-12-31 00:01:00+00', '2025-10-22 08:01:00+00', '2025-10-22 08:01:00+00'),
    ('5eed0007-0000-4000-8000-000000000002', '5eed0003-0000-4000-8000-000000000001', 'auktion', 'tischlerin', 'vault:marketplace/auktion/2', '{"post","orders"}', '{"auto_relist": true}', true, '2025-12-31 00:02:00+00', '2025-10-22 08:02:00+00', '2025-10-22 08:02:00+00'),
    ('5eed0007-0000-4000-8000-000000000003', '5eed0003-0000-4000-8000-000000000002', 'kleinmarkt', 'affiches-lyon', 'vault:marketplace/kleinmarkt/3', '{"post","orders"}', '{"auto_relist": false}', true, '2025-12-31 00:03:00+00', '2025-10-22 08:03:00+00', '2025-10-22 08:03:00+00'),
    ('5eed0007-0000-4000-8000-000000000004', '5eed0003-0000-4000-8000-000000000003', 'auktion', 'ladrillos', 'vault:marketplace/auktion/4', '{"post","orders"}', '{"auto_relist": true}', true, '2025-12-31 00:04:00+00', '2025-10-22 08:04:00+00', '2025-10-22 08:04:00+00'),
    ('5eed0007-0000-4000-8000-000000000005', '5eed0003-0000-4000-8000-000000000004', 'flohmarkt', 'cable_guy', 'vault:marketplace/flohmarkt/5', '{"post","orders"}', '{"auto_relist": false}', false, NULL, '2025-10-22 08:05:00+00', '2025-10-22 08:05:00+00'),
    ('5eed0007-0000-4000-8000-000000000006', '5eed0003-0000-4000-8000-000000000005', 'auktion', '茶の間', 'vault:marketplace/auktion/6', '{"post","orders"}', '{"auto_relist": true}', true, '2025-12-31 00:06:00+00', '2025-10-22 08:06:00+00', '2025-10-22 08:06:00+00');

INSERT INTO public.cross_posts
    (id, item_id, account_id, external_id, url, price, status, last_error, posted_at, ended_at, created_at, updated_at)
VALUES
    ('5eed0008-0000-4000-8000-000000000001', '5eed0005-0000-4000-8000-000000000001', '5eed0007-0000-4000-8000-000000000001', 'P5001', 'https://kleinmarkt.example/p/P5001', 129.00, 'live', NULL, '2025-11-11 11:01:00+00', NULL, '2025-11-11 10:31:00+00', '2025-11-11 11:01:00+00'),
    ('5eed0008-0000-4000-8000-000000000002', '5eed0005-0000-4000-8000-000000000001', '5eed0007-0000-4000-8000-000000000002', 'P5002', 'https://auktion.example/p/P5002', 129.00, 'live', NULL, '2025-11-11 11:02:00+00', NULL, '2025-11-11 10:32:00+00', '2025-11-11 11:02:00+00'),
    ('5eed0008-0000-4000-8000-000000000003', '5eed0005-0000-4000-8000-000000000002', '5eed0007-0000-4000-8000-000000000001', 'P5003', 'https://kleinmarkt.example/p/P5003', 210.00, 'ended', NULL, '2025-11-11 11:03:00+00', '2025-11-13 11:03:00+00', '2025-11-11 10:33:00+00', '2025-11-13 11:03:00+00'),
    ('5eed0008-0000-4000-8000-000000000004', '5eed0005-0000-4000-8000-000000000002', '5eed0007-0000-4000-8000-000000000002', 'P5004', 'https://auktion.example/p/P5004', 210.00, 'ended', NULL, '2025-11-11 11:04:00+00', '2025-11-13 11:04:00+00', '2025-11-11 10:34:00+00', '2025-11-13 11:04:00+00'),
    ('5eed0008-0000-4000-8000-000000000005', '5eed0005-0000-4000-8000-000000000003', '5eed0007-0000-4000-8000-000000000003', 'P5005', 'https://kleinmarkt.example/p/P5005', 39.00, 'ended', NULL, '2025-11-11 11:05:00+00', '2025-11-13 11:05:00+00', '2025-11-11 10:35:00+00', '2025-11-13 11:05:00+00'),
    ('5eed0008-0000-4000-8000-000000000006', '5eed0005-0000-4000-8000-000000000005', '5eed0007-0000-4000-8000-000000000004', 'P5006', 'https://auktion.example/p/P5006', 340.00, 'live', NULL, '2025-11-11 11:06:00+00', NULL, '2025-11-11 10:36:00+00', '2025-11-11 11:06:00+00'),
    ('5eed0008-0000-4000-8000-000000000007', '5eed0005-0000-4000-8000-000000000006', '5eed0007-0000-4000-8000-000000000004', NULL, NULL, 35.00, 'failed', 'photograph 2 is too small', NULL, NULL, '2025-11-11 10:37:00+00', '2025-11-11 11:07:00+00'),
    ('5eed0008-0000-4000-8000-000000000008', '5eed0005-0000-4000-8000-000000000007', '5eed0007-0000-4000-8000-000000000005', 'P5008', 'https://flohmarkt.example/p/P5008', 14.00, 'ended', NULL, '2025-11-11 11:08:00+00', '2025-11-13 11:08:00+00', '2025-11-11 10:38:00+00', '2025-11-13 11:08:00+00'),
    ('5eed0008-0000-4000-8000-000000000009', '5eed0005-0000-4000-8000-000000000008', '5eed0007-0000-4000-8000-000000000006', 'P5009', 'https://auktion.example/p/P5009', 75.00, 'live', NULL, '2025-11-11 11:09:00+00', NULL, '2025-11-11 10:39:00+00', '2025-11-11 11:09:00+00');

INSERT INTO public.orders
    (id, cross_post_id, external_id, buyer_name, ship_to, total, fees, currency, status, tracking_number, ordered_at, shipped_at, created_at, updated_at)
VALUES
    ('5eed0009-0000-4000-8000-000000000001', '5eed0008-0000-4000-8000-000000000003', 'O-301', 'Jürgen Groß', '{"name": "Jürgen Groß", "city": "Köln", "country": "DE"}', 210.00, 16.80, 'EUR', 'delivered', 'TRK88001', '2025-11-13 11:01:00+00', '2025-11-14 09:01:00+00', '2025-11-13 11:01:00+00', '2025-11-14 09:01:00+00'),
    ('5eed0009-0000-4000-8000-000000000002', '5eed0008-0000-4000-8000-000000000005', 'O-302', 'Zoë O’Connor', '{"name": "Zoë O’Connor", "city": "Lyon", "country": "FR"}', 39.00, 3.12, 'EUR', 'shipped', 'TRK88002', '2025-11-13 11:02:00+00', '2025-11-14 09:02:00+00', '2025-11-13 11:02:00+00', '2025-11-14 09:02:00+00'),
    ('5eed0009-0000-4000-8000-000000000003', '5eed0008-0000-4000-8000-000000000008', 'O-303', 'Renée Müller-Lüdenscheidt', '{"name": "Renée Müller-Lüdenscheidt", "city": "Leeds", "country": "GB"}', 14.00, 1.12, 'EUR', 'paid', NULL, '2025-11-13 11:03:00+00', NULL, '2025-11-13 11:03:00+00', '2025-11-14 09:03:00+00');
