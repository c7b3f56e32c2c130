/** A person as staff see one: names and numbers masked, the day of birth not at all. */
export interface PersonView {
  person_id: string;
  version: number;
  name: string;
  gender: string;
  birth_year: number;
  phone: string | null;
  documents: { id_type: string; id_no: string }[];
  registered_at: string;
}
