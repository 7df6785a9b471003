-- AddModel library.v1.Author: serve library.v1.Author as library.v1.AuthorService and at /api/v1/authors, stored in library_v1.author
CREATE SCHEMA IF NOT EXISTS "library_v1";
CREATE TABLE IF NOT EXISTS "library_v1"."author" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "given_name" text COLLATE "C" NOT NULL DEFAULT '',
  "family_name" text COLLATE "C" NOT NULL DEFAULT '',
  "pen_names" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  "email" text COLLATE "C",
  "birth_year" bigint,
  "death_time" timestamptz,
  "royalty_rate" double precision NOT NULL DEFAULT 0,
  "preparation_time" interval,
  "profiles" jsonb NOT NULL DEFAULT '{}',
  "notes" jsonb,
  "portrait" bytea NOT NULL DEFAULT '',
  "create_time" timestamptz NOT NULL DEFAULT now(),
  "update_time" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT "author_key_1bdca9c1" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "library_v1"."author"
  ADD COLUMN IF NOT EXISTS "given_name" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "family_name" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "pen_names" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS "email" text COLLATE "C",
  ADD COLUMN IF NOT EXISTS "birth_year" bigint,
  ADD COLUMN IF NOT EXISTS "death_time" timestamptz,
  ADD COLUMN IF NOT EXISTS "royalty_rate" double precision NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "preparation_time" interval,
  ADD COLUMN IF NOT EXISTS "profiles" jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS "notes" jsonb,
  ADD COLUMN IF NOT EXISTS "portrait" bytea NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "create_time" timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN IF NOT EXISTS "update_time" timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE "library_v1"."author" IS 'An author of books.';
COMMENT ON COLUMN "library_v1"."author"."id" IS 'The author''s id, a UUID.';
COMMENT ON COLUMN "library_v1"."author"."given_name" IS 'The given name.';
COMMENT ON COLUMN "library_v1"."author"."family_name" IS 'The family name.';
COMMENT ON COLUMN "library_v1"."author"."pen_names" IS 'Other names under which the author publishes.';
COMMENT ON COLUMN "library_v1"."author"."email" IS 'The email address, if known.';
COMMENT ON COLUMN "library_v1"."author"."birth_year" IS 'The year of birth, if known.';
COMMENT ON COLUMN "library_v1"."author"."death_time" IS 'The time of death, if any.';
COMMENT ON COLUMN "library_v1"."author"."royalty_rate" IS 'The share of sales, from 0 to 1.';
COMMENT ON COLUMN "library_v1"."author"."preparation_time" IS 'The time to prepare one hour of reading aloud.';
COMMENT ON COLUMN "library_v1"."author"."profiles" IS 'Profiles on other sites: from the name of the site to the URL of the profile.';
COMMENT ON COLUMN "library_v1"."author"."notes" IS 'Further information, as a JSON object.';
COMMENT ON COLUMN "library_v1"."author"."portrait" IS 'A portrait, as a small JPEG.';
COMMENT ON COLUMN "library_v1"."author"."create_time" IS 'The creation time of the record. Set by the server.';
COMMENT ON COLUMN "library_v1"."author"."update_time" IS 'The time of the last change. Set by the server.';

-- AddIndex library_v1.author_family_name_given_name_8f70825a: build an index for library.v1.Author on family_name, given_name: authors by name, in catalog order
CREATE INDEX IF NOT EXISTS "author_family_name_given_name_8f70825a" ON "library_v1"."author" ("_tenant", "family_name", "given_name", "id");
COMMENT ON INDEX "library_v1"."author_family_name_given_name_8f70825a" IS 'authors by name, in catalog order';

-- AddIndex library_v1.author_email_4eebae21: build a unique index for library.v1.Author on email: one author per address; authors without one do not conflict
CREATE UNIQUE INDEX IF NOT EXISTS "author_email_4eebae21" ON "library_v1"."author" ("_tenant", "email");
COMMENT ON INDEX "library_v1"."author_email_4eebae21" IS 'one author per address; authors without one do not conflict';

-- AddModel library.v1.Book: serve library.v1.Book as library.v1.BookService and at /api/v1/books, stored in library_v1.book
CREATE SCHEMA IF NOT EXISTS "library_v1";
CREATE TABLE IF NOT EXISTS "library_v1"."book" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "title" text COLLATE "C" NOT NULL DEFAULT '',
  "isbn" text COLLATE "C",
  "author" uuid,
  "contributors" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  "publisher" uuid,
  "shelf" text COLLATE "C",
  "publish_time" timestamptz,
  "genre" integer NOT NULL DEFAULT 0,
  "page_count" bigint NOT NULL DEFAULT 0,
  "pages_read" bigint NOT NULL DEFAULT 0,
  "chapters" jsonb NOT NULL DEFAULT '[]',
  "prices" jsonb NOT NULL DEFAULT '{}',
  "ratings" bigint[] NOT NULL DEFAULT '{}',
  "printed" jsonb,
  "electronic" jsonb,
  "audio_seconds" bigint,
  "summary" text COLLATE "C",
  "purchase_price" bigint,
  "lend_count" bigint NOT NULL DEFAULT 0,
  "create_time" timestamptz NOT NULL DEFAULT now(),
  "update_time" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT "book_key_238eefe4" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "library_v1"."book"
  ADD COLUMN IF NOT EXISTS "title" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "isbn" text COLLATE "C",
  ADD COLUMN IF NOT EXISTS "author" uuid,
  ADD COLUMN IF NOT EXISTS "contributors" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS "publisher" uuid,
  ADD COLUMN IF NOT EXISTS "shelf" text COLLATE "C",
  ADD COLUMN IF NOT EXISTS "publish_time" timestamptz,
  ADD COLUMN IF NOT EXISTS "genre" integer NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "page_count" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "pages_read" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "chapters" jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN IF NOT EXISTS "prices" jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS "ratings" bigint[] NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS "printed" jsonb,
  ADD COLUMN IF NOT EXISTS "electronic" jsonb,
  ADD COLUMN IF NOT EXISTS "audio_seconds" bigint,
  ADD COLUMN IF NOT EXISTS "summary" text COLLATE "C",
  ADD COLUMN IF NOT EXISTS "purchase_price" bigint,
  ADD COLUMN IF NOT EXISTS "lend_count" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "create_time" timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN IF NOT EXISTS "update_time" timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE "library_v1"."book" IS 'A book in a library: the work, and its location.';
COMMENT ON COLUMN "library_v1"."book"."id" IS 'The id of the book, a UUID.';
COMMENT ON COLUMN "library_v1"."book"."title" IS 'The title.';
COMMENT ON COLUMN "library_v1"."book"."isbn" IS 'The International Standard Book Number of 13 digits, if any. It cannot be changed.';
COMMENT ON COLUMN "library_v1"."book"."author" IS 'The id of the author. An author with books cannot be deleted.';
COMMENT ON COLUMN "library_v1"."book"."contributors" IS 'The ids of the contributors.';
COMMENT ON COLUMN "library_v1"."book"."publisher" IS 'The id of the publisher; empty if there is none.';
COMMENT ON COLUMN "library_v1"."book"."shelf" IS 'The id of the shelf; empty if the book is on none.';
COMMENT ON COLUMN "library_v1"."book"."publish_time" IS 'The time of publication.';
COMMENT ON COLUMN "library_v1"."book"."genre" IS 'The genre.';
COMMENT ON COLUMN "library_v1"."book"."page_count" IS 'The number of pages; 0 if unknown.';
COMMENT ON COLUMN "library_v1"."book"."pages_read" IS 'The number of pages that the librarian has read.';
COMMENT ON COLUMN "library_v1"."book"."chapters" IS 'The chapters, which can contain chapters.';
COMMENT ON COLUMN "library_v1"."book"."prices" IS 'The price by country (ISO 3166-1).';
COMMENT ON COLUMN "library_v1"."book"."ratings" IS 'The ratings by readers, from 1 to 5 stars.';
COMMENT ON COLUMN "library_v1"."book"."printed" IS 'A printed book.';
COMMENT ON COLUMN "library_v1"."book"."electronic" IS 'An electronic book.';
COMMENT ON COLUMN "library_v1"."book"."audio_seconds" IS 'An audiobook: the duration in seconds.';
COMMENT ON COLUMN "library_v1"."book"."summary" IS 'A summary for the catalog.';
COMMENT ON COLUMN "library_v1"."book"."purchase_price" IS 'The price that the library paid. It can be written but is never returned.';
COMMENT ON COLUMN "library_v1"."book"."lend_count" IS 'The number of loans. Set by the server.';
COMMENT ON COLUMN "library_v1"."book"."create_time" IS 'The creation time of the record. Set by the server.';
COMMENT ON COLUMN "library_v1"."book"."update_time" IS 'The time of the last change. Set by the server.';

-- AddIndex library_v1.book_isbn_66302375: build a unique index for library.v1.Book on isbn: an ISBN names one book; old books have none
CREATE UNIQUE INDEX IF NOT EXISTS "book_isbn_66302375" ON "library_v1"."book" ("_tenant", "isbn");
COMMENT ON INDEX "library_v1"."book_isbn_66302375" IS 'an ISBN names one book; old books have none';

-- AddIndex library_v1.book_author_publish_time_bcdaf21a: build an index for library.v1.Book on author, publish_time desc: an author's newest books
CREATE INDEX IF NOT EXISTS "book_author_publish_time_bcdaf21a" ON "library_v1"."book" ("_tenant", "author", "publish_time" DESC, "id");
COMMENT ON INDEX "library_v1"."book_author_publish_time_bcdaf21a" IS 'an author''s newest books';

-- AddIndex library_v1.book_shelf_title_bcefd8c2: build an index for library.v1.Book on shelf, title: the books on a shelf, in order
CREATE INDEX IF NOT EXISTS "book_shelf_title_bcefd8c2" ON "library_v1"."book" ("_tenant", "shelf", "title", "id");
COMMENT ON INDEX "library_v1"."book_shelf_title_bcefd8c2" IS 'the books on a shelf, in order';

-- AddIndex library_v1.book_summary_search_english_17d10078: build a text search index (english) for library.v1.Book on summary: full-text search by readers
CREATE INDEX IF NOT EXISTS "book_summary_search_english_17d10078" ON "library_v1"."book" USING gin (to_tsvector('english'::regconfig, "summary"));
COMMENT ON INDEX "library_v1"."book_summary_search_english_17d10078" IS 'full-text search by readers';

-- AddIndex library_v1.book_title_trigram_4c9717fd: build a trigram index for library.v1.Book on title: search by parts of a title
CREATE SCHEMA IF NOT EXISTS "groundplan_extensions";
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA "groundplan_extensions";
CREATE INDEX IF NOT EXISTS "book_title_trigram_4c9717fd" ON "library_v1"."book" USING gin ("title" "groundplan_extensions".gin_trgm_ops);
COMMENT ON INDEX "library_v1"."book_title_trigram_4c9717fd" IS 'search by parts of a title';

-- AddIndex library_v1.book_ratings_elements_2b17a9b6: build an element index for library.v1.Book on ratings: books with a five-star rating
CREATE INDEX IF NOT EXISTS "book_ratings_elements_2b17a9b6" ON "library_v1"."book" USING gin ("ratings");
COMMENT ON INDEX "library_v1"."book_ratings_elements_2b17a9b6" IS 'books with a five-star rating';

-- AddIndex library_v1.book_publisher_c6037716: build an index for library.v1.Book on publisher: implied by the reference to library.v1.Publisher
CREATE INDEX IF NOT EXISTS "book_publisher_c6037716" ON "library_v1"."book" ("_tenant", "publisher", "id");
COMMENT ON INDEX "library_v1"."book_publisher_c6037716" IS 'implied by the reference to library.v1.Publisher';

-- AddModel library.v1.Publisher: serve library.v1.Publisher as library.v1.PublisherService and at /api/v1/publishers, stored in library_v1.publisher
CREATE SCHEMA IF NOT EXISTS "library_v1";
CREATE TABLE IF NOT EXISTS "library_v1"."publisher" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "display_name" text COLLATE "C" NOT NULL DEFAULT '',
  "country" text COLLATE "C" NOT NULL DEFAULT '',
  "founded_year" bigint,
  "address" jsonb,
  "homepage" text COLLATE "C" NOT NULL DEFAULT '',
  "create_time" timestamptz NOT NULL DEFAULT now(),
  "update_time" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT "publisher_key_fe122547" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "library_v1"."publisher"
  ADD COLUMN IF NOT EXISTS "display_name" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "country" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "founded_year" bigint,
  ADD COLUMN IF NOT EXISTS "address" jsonb,
  ADD COLUMN IF NOT EXISTS "homepage" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "create_time" timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN IF NOT EXISTS "update_time" timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE "library_v1"."publisher" IS 'A company that publishes books.';
COMMENT ON COLUMN "library_v1"."publisher"."id" IS 'The id of the publisher, a UUID.';
COMMENT ON COLUMN "library_v1"."publisher"."display_name" IS 'The name for display.';
COMMENT ON COLUMN "library_v1"."publisher"."country" IS 'The two-letter country code of the head office (ISO 3166-1); empty if unknown.';
COMMENT ON COLUMN "library_v1"."publisher"."founded_year" IS 'The year of foundation, if known.';
COMMENT ON COLUMN "library_v1"."publisher"."address" IS 'The postal address.';
COMMENT ON COLUMN "library_v1"."publisher"."homepage" IS 'The URL of the homepage.';
COMMENT ON COLUMN "library_v1"."publisher"."create_time" IS 'The creation time of the record. Set by the server.';
COMMENT ON COLUMN "library_v1"."publisher"."update_time" IS 'The time of the last change. Set by the server.';

-- AddIndex library_v1.publisher_display_name_735df5f5: build a unique index for library.v1.Publisher on display_name: no two publishers have the same name
CREATE UNIQUE INDEX IF NOT EXISTS "publisher_display_name_735df5f5" ON "library_v1"."publisher" ("_tenant", "display_name");
COMMENT ON INDEX "library_v1"."publisher_display_name_735df5f5" IS 'no two publishers have the same name';

-- AddIndex library_v1.publisher_country_founded_year_f21423f4: build an index for library.v1.Publisher on country, founded_year desc: the newest publishers of a country
CREATE INDEX IF NOT EXISTS "publisher_country_founded_year_f21423f4" ON "library_v1"."publisher" ("_tenant", "country", "founded_year" DESC, "id");
COMMENT ON INDEX "library_v1"."publisher_country_founded_year_f21423f4" IS 'the newest publishers of a country';

-- AddModel library.v1.Shelf: serve library.v1.Shelf as library.v1.ShelfService and at /api/v1/shelves, stored in library_v1.shelf
CREATE SCHEMA IF NOT EXISTS "library_v1";
CREATE TABLE IF NOT EXISTS "library_v1"."shelf" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" text COLLATE "C" NOT NULL,
  "theme" text COLLATE "C" NOT NULL DEFAULT '',
  "floor" bigint NOT NULL DEFAULT 0,
  "capacity" numeric(20) NOT NULL DEFAULT 0,
  "open" boolean NOT NULL DEFAULT false,
  "create_time" timestamptz NOT NULL DEFAULT now(),
  "update_time" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT "shelf_key_f05f15fa" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "library_v1"."shelf"
  ADD COLUMN IF NOT EXISTS "theme" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "floor" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "capacity" numeric(20) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "open" boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS "create_time" timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN IF NOT EXISTS "update_time" timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE "library_v1"."shelf" IS 'A shelf for books. Its id is its label, such as `history-2`.';
COMMENT ON COLUMN "library_v1"."shelf"."id" IS 'The label of the shelf.';
COMMENT ON COLUMN "library_v1"."shelf"."theme" IS 'The theme of its books.';
COMMENT ON COLUMN "library_v1"."shelf"."floor" IS 'The floor; the ground floor is 0.';
COMMENT ON COLUMN "library_v1"."shelf"."capacity" IS 'The maximum number of books.';
COMMENT ON COLUMN "library_v1"."shelf"."open" IS 'Whether readers can take books from it.';
COMMENT ON COLUMN "library_v1"."shelf"."create_time" IS 'The creation time of the record. Set by the server.';
COMMENT ON COLUMN "library_v1"."shelf"."update_time" IS 'The time of the last change. Set by the server.';

-- AddIndex library_v1.shelf_theme_93f6a37f: build an index for library.v1.Shelf on theme: lookup by theme
CREATE INDEX IF NOT EXISTS "shelf_theme_93f6a37f" ON "library_v1"."shelf" ("_tenant", "theme", "id");
COMMENT ON INDEX "library_v1"."shelf_theme_93f6a37f" IS 'lookup by theme';

-- AddReference library.v1.Book.author: enforce that author of library.v1.Book references existing records of library.v1.Author
ALTER TABLE "library_v1"."book" ADD CONSTRAINT "book_author_exists_ff49847b" FOREIGN KEY ("_tenant", "author") REFERENCES "library_v1"."author" ("_tenant", "id") ON DELETE NO ACTION DEFERRABLE INITIALLY IMMEDIATE;

-- AddReference library.v1.Book.publisher: enforce that publisher of library.v1.Book references existing records of library.v1.Publisher
ALTER TABLE "library_v1"."book" ADD CONSTRAINT "book_publisher_exists_cb0545ed" FOREIGN KEY ("_tenant", "publisher") REFERENCES "library_v1"."publisher" ("_tenant", "id") ON DELETE SET NULL ("publisher") DEFERRABLE INITIALLY IMMEDIATE;

-- AddReference library.v1.Book.shelf: enforce that shelf of library.v1.Book references existing records of library.v1.Shelf
ALTER TABLE "library_v1"."book" ADD CONSTRAINT "book_shelf_exists_085b4de5" FOREIGN KEY ("_tenant", "shelf") REFERENCES "library_v1"."shelf" ("_tenant", "id") ON DELETE SET NULL ("shelf") DEFERRABLE INITIALLY IMMEDIATE;

