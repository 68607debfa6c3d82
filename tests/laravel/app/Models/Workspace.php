<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsToMany;
use Illuminate\Database\Eloquent\SoftDeletes;

class Workspace extends Model
{
    use SoftDeletes;

    public function owners(): BelongsToMany
    {
        return $this->belongsToMany(User::class, 'teams')
            ->wherePivot('role', 'owner')->wherePivotNull('deleted_at');
    }

    public function isOwnedBy(User $user): bool
    {
        return $this->created_by === $user->id || $this->owners()->whereKey($user->id)->exists();
    }
}
