using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Model;

namespace Nethereum.Signer;

/// <summary>Signs transactions with an EIP-2718 type.</summary>
public class TypeTransactionSigner<T> where T : SignedTypeTransaction
{
    /// <summary>Signs in place and returns the bytes to send as hexadecimal without 0x.</summary>
    public string SignTransaction(EthECKey ecKey, T transaction)
    {
        var signature = ecKey.SignAndCalculateYParityV(transaction.RawHash);
        transaction.SetSignature(new Signature(signature.R, signature.S, signature.V));
        return transaction.GetRLPEncoded().ToHex();
    }

    /// <summary>Signs in place and returns the bytes to send as hexadecimal without 0x.</summary>
    public string SignTransaction(string privateKey, T transaction) => SignTransaction(new EthECKey(privateKey), transaction);
}

/// <summary>Signs EIP-1559 transactions.</summary>
public class Transaction1559Signer : TypeTransactionSigner<Transaction1559>;
