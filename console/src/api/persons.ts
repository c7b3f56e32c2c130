/** A person as staff see one: masked. */
export interface PersonView {
  person_id: string;
  name_masked: string;
  gender: string;
  phone_masked: string | null;
  documents: { id_type: string; id_no_masked: string }[];
  registered_at: string;
  version: number;
}
