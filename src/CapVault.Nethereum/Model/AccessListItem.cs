namespace Nethereum.Model;

/// <summary>An address and storage keys that a transaction declares beforehand (EIP-2930).</summary>
public class AccessListItem
{
    public AccessListItem()
    {
    }

    public AccessListItem(string address, List<byte[]> storageKeys)
    {
        Address = address;
        StorageKeys = storageKeys;
    }

    public string Address { get; set; }

    public List<byte[]> StorageKeys { get; set; }
}
